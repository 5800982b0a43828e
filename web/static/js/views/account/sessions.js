// Where one is signed in. The session of this page ends by signing out, any other from here.

import { el } from "../../lib/dom.js";
import { Table } from "../../lib/table.js";
import { agoElement } from "../../lib/when.js";
import { readDevice } from "../../models/device.js";
import { Listing } from "../../models/listing.js";

/** Returns the listing; it is loading already. */
export function startSessions(root, page) {
  const { api, i18n } = page;
  const sessions = new Listing(() => api.sessions());
  const table = new Table(root, {
    caption: i18n.t("ui.sessions.title"),
    columns: [
      { name: i18n.t("ui.sessions.device") },
      { name: i18n.t("ui.sessions.seen") },
      { name: i18n.t("ui.actions"), isHidden: true },
    ],
    keyOf: ({ id }) => id,
    nothing: i18n.t("ui.sessions.nothing"),
    cells: (session) => [
      nameOf(session, i18n),
      agoElement(i18n, session.last_seen_at, api.now()),
      session.current ? mark(i18n.t("ui.sessions.current")) : endButton(session),
    ],
  });
  sessions.addEventListener("change", () => table.show(sessions.items));
  page.attempt(() => sessions.load());
  return { load: () => page.attempt(() => sessions.load()) };

  function endButton(session) {
    const label = i18n.t("ui.sessions.end_label", { name: nameOf(session, i18n) });
    return el(
      "button",
      {
        type: "button",
        class: "plain-button",
        "data-action": "end",
        "aria-label": label,
        on: { click: () => end(session) },
      },
      i18n.t("ui.sessions.end"),
    );
  }

  function end(session) {
    return page.attempt(async () => {
      await api.endSession(session.id);
      sessions.remove(session.id);
      page.announcer.say(i18n.t("ui.sessions.ended"));
      page.focusComposer();
    });
  }
}

function nameOf({ user_agent: userAgent }, i18n) {
  const { browser, system } = readDevice(userAgent);
  if (browser && system) return i18n.t("ui.sessions.browser_on", { browser, system });
  return browser ?? system ?? i18n.t("ui.sessions.unknown");
}

function mark(text) {
  return el("span", { class: "tag" }, text);
}
