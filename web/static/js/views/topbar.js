// The conversation's title and its menu.

import { setText, show } from "../lib/dom.js";
import { tell } from "../lib/events.js";
import { renameField } from "../lib/rename.js";
import { titleOf } from "./conversation_item.js";

export class Topbar {
  #page;
  #root;
  #title;
  #menu;
  #exports;
  #field = null;
  #name = "EpiCode";
  #news = 0;

  constructor(root, page) {
    this.#root = root;
    this.#page = page;
    this.#title = root.querySelector("[data-title]");
    this.#menu = root.querySelector("[data-menu]");
    this.#exports = root.querySelector("[data-exports]");
    for (const button of root.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => tell(root, `topbar-${button.dataset.action}`));
    }
  }

  /** `info` is the conversation's JSON; null for one that doesn't exist yet. */
  show(info) {
    const { i18n } = this.#page;
    const title = info ? titleOf(info, i18n) : i18n.t("ui.conversation.new");
    setText(this.#title, title);
    this.#title.title = title;
    for (const part of this.#root.querySelectorAll("[data-existing]")) show(part, info !== null);
    for (const link of this.#exports.querySelectorAll("[data-format]")) {
      link.href = info ? `/api/conversations/${info.id}/export?format=${link.dataset.format}` : "";
    }
    const label = (action, key) =>
      setText(this.#menu.querySelector(`[data-action=${action}]`), i18n.t(key));
    label("pin", info?.pinned ? "ui.conversation.unpin" : "ui.conversation.pin");
    label("archive", info?.archived ? "ui.conversation.unarchive" : "ui.conversation.archive");
    this.#name = info ? `${title} · EpiCode` : "EpiCode";
    this.#showName();
  }

  /** So many conversations have something that nobody has seen: the tab's name says it. */
  showNews(count) {
    this.#news = count;
    this.#showName();
  }

  startRenaming(conversation) {
    if (this.#field) return;
    const { i18n } = this.#page;
    this.#field = renameField({
      value: titleOf(conversation, i18n),
      label: i18n.t("ui.conversation.title_label"),
      className: "topbar-rename",
      done: (title, { byKey }) => this.#stopRenaming(conversation, title, byKey),
    });
    show(this.#title, false);
    this.#title.after(this.#field);
  }

  #stopRenaming(conversation, title, byKey) {
    this.#field = null;
    show(this.#title, true);
    if (byKey) this.#menu.querySelector("[data-bs-toggle]").focus({ preventScroll: true });
    if (title !== null) tell(this.#root, "rename-conversation", { conversation, title });
  }

  #showName() {
    document.title = this.#news > 0 ? `(${this.#news}) ${this.#name}` : this.#name;
  }
}
