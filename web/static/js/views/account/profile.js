// Who one is: name and language, the password, and the end of the account.

import { Form } from "../../lib/form.js";
import { OwnStorage } from "../../models/own_storage.js";
import { chooseLanguage } from "../languages.js";

/** `forms` are {profile, password, deletion}; `passwordChanged` is called when others' sessions ended. */
export function startProfile(forms, { api, i18n, texts, userId }, { passwordChanged }) {
  new Form(forms.profile, {
    texts,
    send: async ({ display_name, locale }) => {
      await api.changeAccount({ display_name, locale });
      if (locale === i18n.lang) return i18n.t("ui.saved");
      chooseLanguage(locale);
      location.reload();
      return null;
    },
  });
  const password = new Form(forms.password, {
    texts,
    send: async ({ current_password, new_password }) => {
      await api.changePassword({ current_password, new_password });
      password.clear();
      passwordChanged();
      return i18n.t("ui.password.changed");
    },
  });
  new Form(forms.deletion, {
    texts,
    send: async ({ password: said }) => {
      await api.deleteAccount({ password: said });
      new OwnStorage(localStorage, userId).clear();
      location.replace("/sign-in");
    },
  });
}
