// API keys: made with a name, scopes and an end, shown in full once, revoked from the list.

import { el } from "../../lib/dom.js";
import { Form } from "../../lib/form.js";
import { Table } from "../../lib/table.js";
import { agoElement, day } from "../../lib/when.js";
import { Listing } from "../../models/listing.js";
import { shownOnce } from "../shown_once.js";

const DAY_MS = 24 * 60 * 60 * 1000;

/** `list` is where the keys go, `form` makes a new one. */
export function startKeys({ list, form }, page) {
  const { api, i18n, texts } = page;
  const keys = new Listing(() => api.keys());
  // the secrets that are still in sight, by the key's id
  const secrets = new Map();
  const table = new Table(list, {
    caption: i18n.t("ui.keys.title"),
    columns: [
      { name: i18n.t("ui.keys.name") },
      { name: i18n.t("ui.keys.scopes") },
      { name: i18n.t("ui.keys.expires") },
      { name: i18n.t("ui.keys.used") },
      { name: i18n.t("ui.actions"), isHidden: true },
    ],
    keyOf: ({ id }) => id,
    nothing: i18n.t("ui.keys.nothing"),
    cells: (key) => [
      [key.name, " ", el("code", { class: "prefix" }, `${key.prefix}…`)],
      key.scopes.map((scope) => i18n.t(`ui.scope.${scope}`)).join(", "),
      endOf(key),
      key.last_used_at ? agoElement(i18n, key.last_used_at, api.now()) : i18n.t("ui.keys.unused"),
      revokeButton(key),
    ],
  });
  keys.addEventListener("change", () => table.show(keys.items));
  const loaded = page.attempt(() => keys.load());

  const creating = new Form(form, {
    texts,
    send: async ({ name, scopes, days }) => {
      const made = await api.createKey({ name, scopes, expires_at: endAfter(days) });
      const { key, ...listed } = made;
      await loaded; // it may have been asked for before this one was made
      keys.add(listed);
      creating.clear();
      const secret = shownOnce({ title: i18n.t("ui.keys.once", { name }), secret: key }, page);
      secrets.set(listed.id, secret);
      form.before(secret);
    },
  });

  // the server's days: a clock that is wrong here must not shorten a key's life
  function endAfter(days) {
    return days ? new Date(api.now() + Number(days) * DAY_MS).toISOString() : null;
  }

  function endOf({ expires_at: end }) {
    if (!end) return i18n.t("ui.keys.days.never");
    if (Date.parse(end) <= api.now()) return el("span", { class: "is-over" }, i18n.t("ui.keys.over"));
    return el("time", { datetime: end }, day(i18n.lang, end));
  }

  function revokeButton(key) {
    return el(
      "button",
      {
        type: "button",
        class: "plain-button",
        "data-action": "revoke",
        "aria-label": i18n.t("ui.keys.revoke_label", { name: key.name }),
        on: { click: () => revoke(key) },
      },
      i18n.t("ui.keys.revoke"),
    );
  }

  async function revoke(key) {
    const isSure = await page.dialogs.confirm({
      title: i18n.t("ui.keys.revoke_title", { name: key.name }),
      text: i18n.t("ui.keys.revoke_text"),
      action: i18n.t("ui.keys.revoke"),
    });
    if (!isSure) return;
    await page.attempt(async () => {
      await api.revokeKey(key.id);
      keys.remove(key.id);
      secrets.get(key.id)?.remove();
      page.announcer.say(i18n.t("ui.keys.revoked"));
    });
  }
}
