// The end of a session in mid-work: one bar that says so and leads to the sign-in page, which
// comes back to this address. Nothing that was written goes: drafts outlive the page.

import { OwnStorage } from "../models/own_storage.js";

const MATTER = "signed-out";

/** Shows the bar as soon as any call learns that nobody is signed in. */
export function showSignedOut({ api, i18n, notices }) {
  let isOut = false;
  api.addEventListener("signed-out", () => {
    isOut = true;
    const here = location.pathname + location.search + location.hash;
    notices.show(MATTER, i18n.t("ui.notice.signed_out"), {
      kind: "failure",
      link: { text: i18n.t("ui.sign_in.action"), href: `/sign-in?next=${encodeURIComponent(here)}` },
    });
  });
  // signed in again in another tab: this one begins anew, with its drafts
  document.addEventListener("visibilitychange", async () => {
    if (!isOut || document.hidden) return;
    const session = await api.session().catch(() => null);
    if (session?.user) location.reload();
  });
}

/** The button [data-sign-out]: ends the session and takes away what this browser kept of it. */
export function listenToSignOut({ api, attempt }, user) {
  document.querySelector("[data-sign-out]")?.addEventListener("click", () =>
    attempt(async () => {
      await api.signOut();
      new OwnStorage(localStorage, user.id).clear();
      location.replace("/sign-in");
    }),
  );
}
