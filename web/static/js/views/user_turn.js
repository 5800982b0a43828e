// A person's turn: a tinted card with the text as typed, and an editor in its place when it is to
// be said differently. Sending an edit makes a sibling; the old turn and its replies stay. Here is
// also said whether the turn, with its reply, is always or never sent to the model.

import { el, icon, iconButton, isTouch, show } from "../lib/dom.js";
import { tell } from "../lib/events.js";
import { copy } from "../markdown/code_block.js";
import { showTyped } from "../markdown/typed.js";
import { split, withAttachments } from "../models/attachments.js";
import { attachedFile } from "./attached_file.js";
import { Turn } from "./turn.js";

export class UserTurn extends Turn {
  #card = el("div", { class: "card-said" });
  #editor = null;
  #edit;
  #copyButton;
  #takeBack;
  #marks;
  #shown = null;

  constructor(page) {
    super(page, page.i18n.t("ui.turn.you"), { hidden: true, kind: "user" });
    const { i18n } = page;
    this.body.append(this.#card);
    this.#edit = iconButton("edit", i18n.t("ui.turn.edit"), { on: { click: () => this.#openEditor() } });
    this.#copyButton = iconButton("copy", i18n.t("ui.turn.copy"), { on: { click: () => this.#copy() } });
    this.#marks = {
      always: this.#mark("always", "pin", "ui.turn.pin", "ui.turn.pinned"),
      never: this.#mark("never", "leave-out", "ui.turn.leave_out", "ui.turn.left_out"),
    };
    this.#takeBack = el(
      "button",
      {
        type: "button",
        class: "text-button",
        hidden: true,
        on: { click: () => tell(this.element, "take-back-turn", { message: this.message }) },
      },
      i18n.t("ui.pending.take_back"),
    );
    const { always, never } = this.#marks;
    this.actions.append(this.#copyButton, this.#edit, always, never, this.#takeBack);
  }

  /** `mark` is what rail.js says of the whole turn: "always", "never" or "auto". */
  update(message, { rail, mark = "auto", canEdit = true }) {
    super.update(message, { rail });
    show(this.#edit, canEdit);
    for (const [name, button] of Object.entries(this.#marks)) {
      button.setAttribute("aria-pressed", String(name === mark));
    }
    this.showText(message.content);
  }

  /** Whether the turn may still be taken back: nobody has begun to answer it. */
  offerTakeBack(canTakeBack) {
    show(this.#takeBack, canTakeBack);
  }

  startEditing() {
    this.#openEditor();
  }

  showText(text) {
    if (text === this.#shown) return;
    this.#shown = text;
    const { text: typed, files } = split(text);
    showTyped(this.#card, typed, this.page.texts);
    this.#card.append(...files.map((file) => attachedFile(file, this.page)));
  }

  // A pressed mark says so in words, and pressing it again takes it away.
  #mark(name, symbol, key, stateKey) {
    const { i18n } = this.page;
    const state = i18n.t(stateKey);
    const button = iconButton(symbol, state, {
      class: "mark-button",
      title: i18n.t(key),
      "aria-pressed": "false",
      on: {
        click: () => {
          const isOn = button.getAttribute("aria-pressed") === "true";
          tell(this.element, "mark", { messageId: this.message.id, mark: isOn ? "auto" : name });
        },
      },
    });
    button.append(el("span", { class: "mark-state" }, state));
    return button;
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
    field.value = split(this.message.content).text;
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
    // the files stay with what is said of them
    const { files } = split(this.message.content);
    const content = withAttachments(field.value, files);
    if (content === "") return;
    this.#closeEditor();
    const isPinned = this.message.in_window === "always";
    tell(this.element, "edit", { content, parentId: this.message.parent_id, isPinned });
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
