// What every page beside the chat starts with: the texts, the one voice for screen readers, the
// bars for what goes wrong, and the way out.

import { AccountsApi } from "../accounts_api.js";
import { Announcer } from "../lib/announce.js";
import { I18n } from "../lib/i18n.js";
import { Dialogs } from "../views/dialogs.js";
import { Notices } from "../views/notices.js";
import { listenToSignOut, showSignedOut } from "../views/signed_out.js";

/** Resolves to {boot, page}: what the template says, and what views need. */
export async function startPage() {
  const boot = JSON.parse(document.getElementById("boot").textContent);
  const api = new AccountsApi({ csrfToken: boot.csrf_token, userId: boot.user?.id });
  const i18n = new I18n(boot.lang, await api.texts(boot.catalogue_url));
  const announcer = new Announcer(document.getElementById("status"));
  const page = {
    api,
    i18n,
    announcer,
    texts: { t: (key) => i18n.t(key), announce: (text) => announcer.say(text) },
    userId: boot.user?.id ?? null,
    focusComposer: () => document.getElementById("main").focus({ preventScroll: true }),
  };
  page.notices = new Notices(document.getElementById("notices"), page);
  page.dialogs = new Dialogs(page);
  // what fails by itself and what somebody asked for are two matters: one's end isn't the other's
  page.attempt = async (action, matter = "failure") => {
    try {
      await action();
      page.notices.clear(matter);
    } catch (error) {
      showFailure(page, matter, error);
    }
  };
  showSignedOut(page);
  listenToSignOut(page, boot.user);
  return { boot, page };
}

function showFailure({ i18n, notices }, matter, error) {
  if (error.code === "unauthorized") return; // the notice with the way in says it
  const reason = error.isNoAnswer
    ? i18n.t("ui.error.no_answer")
    : error.sentence || i18n.t("ui.error.unknown");
  notices.show(matter, reason, { kind: "failure", canClose: true });
}
