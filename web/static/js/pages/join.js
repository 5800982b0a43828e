// Starts the page on which an invitation, or the first administrator's link, becomes an account.

import { Form } from "../lib/form.js";
import { listenToLanguages } from "../views/languages.js";
import { startPage } from "./start.js";

const { boot, page } = await startPage();
listenToLanguages(document.getElementById("main"));
const form = document.getElementById("join");
if (form) {
  new Form(form, {
    texts: page.texts,
    send: async (values) => {
      await page.api.join({ token: boot.token, ...values });
      location.replace("/");
    },
  });
}
