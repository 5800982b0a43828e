// The people: their role, whether they may come in, and limits of their own.

import { el } from "../../lib/dom.js";
import { Table } from "../../lib/table.js";
import { agoElement } from "../../lib/when.js";
import { Listing } from "../../models/listing.js";
import { moreButton } from "../more_button.js";
import { askLimits, limitsInWords } from "./limits.js";

/** Returns the listing. `ownId`: nobody takes away his own role or shuts himself out. */
export function startUsers(root, page, { ownId }) {
  const { api, i18n } = page;
  const users = new Listing((options) => api.users(options));
  const table = new Table(root, {
    caption: i18n.t("ui.users.title"),
    columns: [
      { name: i18n.t("ui.users.person") },
      { name: i18n.t("ui.users.role") },
      { name: i18n.t("ui.users.limits") },
      { name: i18n.t("ui.users.seen") },
      { name: i18n.t("ui.actions"), isHidden: true },
    ],
    keyOf: ({ id }) => id,
    nothing: i18n.t("ui.users.nothing"),
    cells: (user) => [
      person(user),
      i18n.t(`ui.role.${user.role}`),
      limitsInWords(user.limits, i18n),
      user.last_seen_at ? agoElement(i18n, user.last_seen_at, api.now()) : i18n.t("ui.users.never"),
      actions(user),
    ],
  });
  const more = moreButton(root, users, page);
  users.addEventListener("change", () => {
    table.show(users.items);
    more.refresh();
  });
  return users;

  function person(user) {
    return [
      el("span", { class: "person" }, user.display_name),
      user.disabled ? el("span", { class: "tag is-over" }, i18n.t("ui.users.disabled")) : null,
      user.id === ownId ? el("span", { class: "tag" }, i18n.t("ui.users.you")) : null,
      el("span", { class: "person-email" }, user.email),
    ];
  }

  function actions(user) {
    const role = user.role === "admin" ? "member" : "admin";
    const name = user.display_name;
    const isOwn = user.id === ownId;
    const buttons = [
      button("limits", i18n.t("ui.users.change_limits"), name, () => changeLimits(user)),
      isOwn ? null : button("role", i18n.t(`ui.users.make.${role}`), name, () => change(user, { role })),
      isOwn
        ? null
        : button(
            "disable",
            i18n.t(user.disabled ? "ui.users.enable" : "ui.users.disable"),
            name,
            () => (user.disabled ? change(user, { disabled: false }) : disable(user)),
          ),
    ];
    return el("div", { class: "row-actions" }, buttons);
  }

  function button(action, text, name, click) {
    const label = i18n.t("ui.users.action_label", { action: text, name });
    return el(
      "button",
      { type: "button", class: "plain-button", "data-action": action, "aria-label": label, on: { click } },
      text,
    );
  }

  async function disable(user) {
    const isSure = await page.dialogs.confirm({
      title: i18n.t("ui.users.disable_title", { name: user.display_name }),
      text: i18n.t("ui.users.disable_text"),
      action: i18n.t("ui.users.disable"),
    });
    if (isSure) await change(user, { disabled: true });
  }

  async function changeLimits(user) {
    const limits = await askLimits(user, page);
    if (limits !== null) await change(user, { limits });
  }

  function change(user, changes) {
    return page.attempt(async () => {
      users.replace(await api.changeUser(user.id, changes));
      page.announcer.say(i18n.t("ui.saved"));
    });
  }
}
