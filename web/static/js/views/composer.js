// Where turns are written. Enter sends (on a phone it is a new line), an input method's Enter
// doesn't. What is typed is kept as a draft for each conversation; the button stops a running
// reply while there is nothing to send.

import { isTouch, setText } from "../lib/dom.js";
import { tell } from "../lib/events.js";

const KEEP_MS = 300;

export class Composer {
  #root;
  #page;
  #field;
  #button;
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
    return this.#field.value.trim() === "";
  }

  /** Goes over to another conversation's draft. */
  open(conversationId) {
    this.#keep();
    this.#conversationId = conversationId;
    this.#write(this.#page.drafts.text(conversationId));
  }

  /** The new conversation has got its id: what is being typed belongs to it now. */
  rename(conversationId) {
    this.#keep();
    this.#page.drafts.keepText(this.#conversationId, "");
    this.#conversationId = conversationId;
    this.#keep();
  }

  /** Gives back a text that couldn't be sent, before what has been typed since. */
  giveBack(text) {
    const typed = this.#field.value;
    this.#write(typed.trim() === "" ? text : `${text}\n\n${typed}`);
    this.#keep();
    this.#field.focus();
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
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    if (event.shiftKey || event.altKey) return;
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
    const content = this.#field.value.trim();
    this.#write("");
    this.#keep();
    tell(this.#root, "send", { content });
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
