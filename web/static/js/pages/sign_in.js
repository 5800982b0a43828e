// Starts the sign-in page.

import { safePath } from "../lib/address.js";
import { Form } from "../lib/form.js";
import { chooseLanguage, hasChosenLanguage, listenToLanguages } from "../views/languages.js";
import { startPage } from "./start.js";

const { boot, page } = await startPage();
listenToLanguages(document.getElementById("main"));
new Form(document.getElementById("sign-in"), {
  texts: page.texts,
  send: async ({ email, password }) => {
    const { user } = await page.api.signIn({ email, password });
    if (!hasChosenLanguage()) chooseLanguage(user.locale);
    location.replace(safePath(boot.next, location.origin));
  },
});
