// Where turns are written. Enter sends (on a phone it is a new line), an input method's Enter
// doesn't. Text and files are kept as a draft for each conversation; the button stops a running
// reply while there is nothing to send.

import { isTouch, setText } from "../lib/dom.js";
import { tell } from "../lib/events.js";
import { split, withAttachments } from "../models/attachments.js";
import { AttachmentBar } from "./attachment_bar.js";

const KEEP_MS = 300;

export class Composer {
  #root;
  #page;
  #field;
  #button;
  #bar;
  // undefined until a conversation is in view: there is no draft to keep then
  #conversationId = undefined;
  #isRunning = false;
  #isBlocked = false;
  #timer = null;

  constructor(root, page) {
    this.#root = root;
    this.#page = page;
    this.#field = root.querySelector("textarea");
    this.#button = root.querySelector("[data-send]");
    this.#bar = new AttachmentBar(root, page, this);
    this.#field.addEventListener("input", () => this.#typed());
    this.#field.addEventListener("keydown", (event) => this.#pressed(event));
    root.addEventListener("submit", (event) => this.#submit(event));
    window.addEventListener("pagehide", () => this.#keep());
    this.#refresh();
  }

  /** Here is where the focus rests. On a phone the field would call the keyboard up unasked. */
  focus() {
    (isTouch() ? this.#button : this.#field).focus({ preventScroll: true });
  }

  get isEmpty() {
    return this.#field.value.trim() === "" && this.#bar.files.length === 0;
  }

  /** Goes over to another conversation's draft. */
  open(conversationId) {
    this.#keep();
    this.#conversationId = conversationId;
    this.#bar.set(this.#page.drafts.files(conversationId));
    this.#write(this.#page.drafts.text(conversationId));
  }

  /** The new conversation has got its id: what is being typed belongs to it now. */
  rename(conversationId) {
    this.#keep();
    this.#page.drafts.keepText(this.#conversationId, "");
    this.#page.drafts.keepFiles(this.#conversationId, []);
    this.#conversationId = conversationId;
    this.#keep();
    this.#keepFiles();
  }

  /** Gives back a turn that isn't to be sent, before what has been typed since. */
  giveBack(content) {
    const { text, files } = split(content);
    const typed = this.#field.value;
    this.#bar.set([...files, ...this.#bar.files]);
    this.#write(typed.trim() === "" ? text : `${text}\n\n${typed}`);
    this.changed();
    this.#field.focus();
  }

  /** Quotes: after what is typed, with room to write below. */
  quote(text) {
    const typed = this.#field.value.trimEnd();
    this.#write(`${typed}${typed ? "\n\n" : ""}${text.trim()}\n\n`);
    this.#keep();
    this.#field.focus();
    this.#field.setSelectionRange(this.#field.value.length, this.#field.value.length);
    this.#field.scrollTop = this.#field.scrollHeight;
  }

  /** Puts text where the caret is. */
  insert(text) {
    this.#field.setRangeText(text, this.#field.selectionStart, this.#field.selectionEnd, "end");
    this.#typed();
  }

  /** The files are others. */
  changed() {
    this.#keep();
    this.#keepFiles();
    this.#refresh();
  }

  /** `isRunning`: there is a reply to stop. `isBlocked`: an earlier turn isn't sent yet. */
  show({ isRunning, isBlocked }) {
    this.#isRunning = isRunning;
    this.#isBlocked = isBlocked;
    this.#refresh();
  }

  #typed() {
    this.#fit();
    this.#refresh();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#keep(), KEEP_MS);
  }

  #pressed(event) {
    // keyCode 229: Safari ends a composition before it reports the Enter that confirmed it
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "ArrowUp" && this.isEmpty) {
      event.preventDefault();
      tell(this.#root, "edit-last");
      return;
    }
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    if (isTouch() && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    if (!this.isEmpty) this.#root.requestSubmit(this.#button);
  }

  #submit(event) {
    event.preventDefault();
    if (this.isEmpty) {
      if (this.#isRunning) tell(this.#root, "stop");
      return;
    }
    if (this.#isBlocked) {
      this.#page.announcer.say(this.#page.i18n.t("ui.composer.blocked"));
      return;
    }
    const { files } = this.#bar;
    const content = withAttachments(this.#field.value, files);
    this.#bar.set([]);
    this.#write("");
    this.changed();
    // a file is sent for good: where the window drops old turns, its turn stays
    tell(this.#root, "send", { content, isPinned: files.length > 0 });
    this.focus();
  }

  #write(text) {
    this.#field.value = text;
    this.#fit();
    this.#refresh();
  }

  #keep() {
    clearTimeout(this.#timer);
    if (this.#conversationId === undefined) return;
    this.#page.drafts.keepText(this.#conversationId, this.#field.value);
  }

  #keepFiles() {
    if (this.#conversationId === undefined) return;
    this.#page.drafts.keepFiles(this.#conversationId, this.#bar.files);
  }

  // Where the browser can't size a field by its content, we measure.
  #fit() {
    if (CSS.supports("field-sizing", "content")) return;
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }

  #refresh() {
    const isStop = this.#isRunning && this.isEmpty;
    const { i18n } = this.#page;
    setText(this.#button, i18n.t(isStop ? "ui.composer.stop" : "ui.composer.send"));
    this.#button.classList.toggle("is-stop", isStop);
    // aria-disabled keeps the focus where it is when the last character goes
    this.#button.setAttribute("aria-disabled", String(!isStop && (this.isEmpty || this.#isBlocked)));
  }
}
