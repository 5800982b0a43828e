// A person's turn: a tinted card with the text as typed, and an editor in its place when it is to
// be said differently. Sending an edit makes a sibling; the old turn and its replies stay.

import { el, icon, iconButton, isTouch, show } from "../lib/dom.js";
import { tell } from "../lib/events.js";
import { copy } from "../markdown/code_block.js";
import { showTyped } from "../markdown/typed.js";
import { Turn } from "./turn.js";

export class UserTurn extends Turn {
  #card = el("div", { class: "card-said" });
  #editor = null;
  #edit;
  #copyButton;
  #shown = null;

  constructor(page) {
    super(page, page.i18n.t("ui.turn.you"), { hidden: true, kind: "user" });
    const { i18n } = page;
    this.body.append(this.#card);
    this.#edit = iconButton("edit", i18n.t("ui.turn.edit"), { on: { click: () => this.#openEditor() } });
    this.#copyButton = iconButton("copy", i18n.t("ui.turn.copy"), { on: { click: () => this.#copy() } });
    this.actions.append(this.#copyButton, this.#edit);
  }

  update(message, { rail, canEdit = true }) {
    super.update(message, { rail });
    show(this.#edit, canEdit);
    this.showText(message.content);
  }

  showText(text) {
    if (text === this.#shown) return;
    this.#shown = text;
    showTyped(this.#card, text, this.page.texts);
  }

  async #copy() {
    const done = await copy(this.message.content);
    this.page.announcer.say(this.page.i18n.t(done ? "ui.code.copied" : "ui.code.not_copied"));
    if (done) flash(this.#copyButton);
  }

  #openEditor() {
    if (this.#editor) return;
    const { i18n } = this.page;
    const field = el("textarea", {
      class: "editor-text",
      rows: "2",
      "aria-label": i18n.t("ui.turn.edit_label"),
    });
    field.value = this.message.content;
    this.#editor = el(
      "form",
      { class: "editor" },
      field,
      el("p", { class: "editor-note" }, i18n.t("ui.turn.edit_note")),
      el(
        "div",
        { class: "editor-buttons" },
        el(
          "button",
          { type: "button", class: "plain-button", on: { click: () => this.#closeEditor() } },
          i18n.t("ui.cancel"),
        ),
        el("button", { type: "submit", class: "send" }, i18n.t("ui.composer.send")),
      ),
    );
    field.addEventListener("keydown", (event) => this.#typed(event));
    this.#editor.addEventListener("submit", (event) => this.#submit(event, field));
    show(this.#card, false);
    show(this.actions, false);
    this.body.append(this.#editor);
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }

  #typed(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      this.#closeEditor();
    } else if (event.key === "Enter" && !event.shiftKey && !isTouch()) {
      event.preventDefault();
      this.#editor.requestSubmit();
    }
  }

  #submit(event, field) {
    event.preventDefault();
    const content = field.value.trim();
    if (content === "") return;
    this.#closeEditor();
    tell(this.element, "edit", { content, parentId: this.message.parent_id });
  }

  #closeEditor() {
    this.#editor.remove();
    this.#editor = null;
    show(this.#card, true);
    show(this.actions, true);
    this.#edit.focus({ preventScroll: true });
  }
}

/** Shows a tick in place of a button's icon for a moment. */
export function flash(button) {
  const before = button.firstChild;
  button.replaceChildren(icon("check"));
  setTimeout(() => button.replaceChildren(before), 1500);
}
