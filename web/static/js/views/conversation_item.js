// One conversation in the list: a link with the mark of what goes on in it, a menu, and a field in
// the link's place to rename it.

import { el, icon, setText, show } from "../lib/dom.js";
import { tell } from "../lib/events.js";
import { renameField } from "../lib/rename.js";

export class ConversationItem {
  #page;
  #conversation = null;
  #mark = el("span", { class: "state-mark", "aria-hidden": "true" });
  #title = el("span", { class: "conversation-title" });
  #state = el("span", { class: "visually-hidden" });
  #link;
  #menuButton;
  #menu;
  #pin;
  #archive;
  #field = null;

  constructor(page) {
    this.#page = page;
    const { i18n } = page;
    this.#link = el("a", { class: "conversation-link" }, this.#mark, this.#title, this.#state);
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
    this.#pin = menuItem("", "", () =>
      this.#ask("pin-conversation", { pinned: !this.#conversation.pinned }),
    );
    this.#archive = menuItem("", "", () =>
      this.#ask("archive-conversation", { archived: !this.#conversation.archived }),
    );
    const rename = menuItem(i18n.t("ui.conversation.rename"), "", () => this.startRenaming());
    const remove = menuItem(i18n.t("ui.conversation.delete"), "danger", () =>
      this.#ask("delete-conversation"),
    );
    this.#menu = el(
      "div",
      { class: "dropdown conversation-menu" },
      this.#menuButton,
      el(
        "ul",
        { class: "dropdown-menu" },
        [rename, this.#pin, this.#archive, remove].map((item) => el("li", {}, item)),
      ),
    );
    this.element = el("li", { class: "conversation-item" }, this.#link, this.#menu);
  }

  /** `state` is what Activity says: "writing", "waiting", "finished", "failed" or null. */
  update(conversation, { isCurrent, state }) {
    this.#conversation = conversation;
    const { i18n } = this.#page;
    const title = titleOf(conversation, i18n);
    this.#link.href = `/c/${conversation.id}`;
    setText(this.#title, title);
    this.#link.title = title;
    this.#menuButton.setAttribute("aria-label", i18n.t("ui.conversation.options_of", { title }));
    setText(this.#pin, i18n.t(conversation.pinned ? "ui.conversation.unpin" : "ui.conversation.pin"));
    setText(
      this.#archive,
      i18n.t(conversation.archived ? "ui.conversation.unarchive" : "ui.conversation.archive"),
    );
    this.#mark.dataset.state = state ?? "";
    setText(this.#state, state ? `, ${i18n.t(`ui.conversation.state.${state}`)}` : "");
    if (isCurrent) this.#link.setAttribute("aria-current", "page");
    else this.#link.removeAttribute("aria-current");
    this.element.classList.toggle("is-current", isCurrent);
    this.element.classList.toggle("has-news", state === "finished" || state === "failed");
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

function menuItem(label, kind, action) {
  return el(
    "button",
    { type: "button", class: `dropdown-item ${kind}`.trim(), on: { click: action } },
    label,
  );
}
