// One conversation in the list: a link, a menu, and a field in the link's place to rename it.

import { el, icon, setText, show } from "../lib/dom.js";
import { tell } from "../lib/events.js";
import { renameField } from "../lib/rename.js";

export class ConversationItem {
  #page;
  #conversation = null;
  #title = el("span", { class: "conversation-title" });
  #link;
  #menuButton;
  #menu;
  #field = null;

  constructor(page) {
    this.#page = page;
    const { i18n } = page;
    this.#link = el("a", { class: "conversation-link" }, this.#title);
    this.#link.addEventListener("click", (event) => this.#follow(event));
    this.#menuButton = el(
      "button",
      {
        type: "button",
        class: "icon-button",
        "data-bs-toggle": "dropdown",
        "aria-expanded": "false",
        "data-bs-popper-config": '{"strategy":"fixed"}',
      },
      icon("more"),
    );
    this.#menu = el(
      "div",
      { class: "dropdown conversation-menu" },
      this.#menuButton,
      el(
        "ul",
        { class: "dropdown-menu" },
        el(
          "li",
          {},
          this.#menuItem(i18n.t("ui.conversation.rename"), "", () => this.startRenaming()),
        ),
        el(
          "li",
          {},
          this.#menuItem(i18n.t("ui.conversation.delete"), "danger", () =>
            this.#ask("delete-conversation"),
          ),
        ),
      ),
    );
    this.element = el("li", { class: "conversation-item" }, this.#link, this.#menu);
  }

  update(conversation, { isCurrent }) {
    this.#conversation = conversation;
    const title = titleOf(conversation, this.#page.i18n);
    this.#link.href = `/c/${conversation.id}`;
    setText(this.#title, title);
    this.#link.title = title;
    this.#menuButton.setAttribute(
      "aria-label",
      this.#page.i18n.t("ui.conversation.options_of", { title }),
    );
    if (isCurrent) this.#link.setAttribute("aria-current", "page");
    else this.#link.removeAttribute("aria-current");
    this.element.classList.toggle("is-current", isCurrent);
  }

  startRenaming() {
    if (this.#field) return;
    const { i18n } = this.#page;
    this.#field = renameField({
      value: titleOf(this.#conversation, i18n),
      label: i18n.t("ui.conversation.title_label"),
      className: "rename",
      done: (title, { byKey }) => this.#stopRenaming(title, byKey),
    });
    show(this.#link, false);
    show(this.#menu, false);
    this.element.append(this.#field);
  }

  #stopRenaming(title, byKey) {
    this.#field = null;
    show(this.#link, true);
    show(this.#menu, true);
    if (byKey) this.#link.focus({ preventScroll: true });
    if (title !== null) this.#ask("rename-conversation", { title });
  }

  #follow(event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.#ask("open-conversation");
  }

  #menuItem(label, kind, action) {
    return el(
      "button",
      { type: "button", class: `dropdown-item ${kind}`.trim(), on: { click: action } },
      label,
    );
  }

  #ask(type, detail = {}) {
    tell(this.element, type, { conversation: this.#conversation, ...detail });
  }
}

/** A title that nobody gave is said in the language of the page. */
export function titleOf(conversation, i18n) {
  return conversation.title_source === "default"
    ? i18n.t("ui.conversation.untitled")
    : conversation.title;
}
