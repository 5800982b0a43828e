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
  #field = null;

  constructor(root, page) {
    this.#root = root;
    this.#page = page;
    this.#title = root.querySelector("[data-title]");
    this.#menu = root.querySelector("[data-menu]");
    for (const button of this.#menu.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => tell(root, `topbar-${button.dataset.action}`));
    }
  }

  /** `info` is the conversation's JSON; null for one that doesn't exist yet. */
  show(info) {
    const { i18n } = this.#page;
    const title = info ? titleOf(info, i18n) : i18n.t("ui.conversation.new");
    setText(this.#title, title);
    this.#title.title = title;
    show(this.#menu, info !== null);
    document.title = info ? `${title} · EpiCode` : "EpiCode";
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
}
