// Calm bars above the composer: one for each matter, gone when the matter is.

import { el, iconButton, setText } from "../lib/dom.js";

export class Notices {
  #root;
  #page;
  #bars = new Map();

  constructor(root, page) {
    this.#root = root;
    this.#page = page;
  }

  /**
   * Shows `text` for `matter`, or changes it. Kinds: "waiting" (amber), "failure" (red), "done".
   * `action` is {label, run}, a button beside the text; a `link` {text, href} is the way out of it;
   * `closed` hears that the person put the bar away. Returns the bar.
   */
  show(matter, text, { kind = "waiting", ...options } = {}) {
    if (options.action) this.clear(matter);
    const bar = this.#bars.get(matter) ?? this.#build(matter, options);
    bar.className = `notice notice-${kind}`;
    if (bar.firstChild.textContent === text) return bar;
    setText(bar.firstChild, text);
    this.#page.announcer.say(text);
    return bar;
  }

  /** Takes a bar away; a focus that was in it goes to the composer. */
  clear(matter) {
    const bar = this.#bars.get(matter);
    if (!bar) return;
    const hadFocus = bar.contains(document.activeElement);
    bar.remove();
    this.#bars.delete(matter);
    if (hadFocus) this.#page.focusComposer();
  }

  #build(matter, { canClose = false, action = null, link = null, closed = null }) {
    const way = link && el("a", { class: "notice-link", href: link.href }, link.text);
    const act =
      action &&
      el("button", { type: "button", class: "text-button", on: { click: action.run } }, action.label);
    const close =
      canClose &&
      iconButton("close", this.#page.i18n.t("ui.close"), {
        on: {
          click: () => {
            this.clear(matter);
            closed?.();
          },
        },
      });
    const buttons = el("div", { class: "notice-buttons" }, act, close);
    const bar = el("div", {}, el("span"), way, act || close ? buttons : null);
    this.#bars.set(matter, bar);
    this.#root.append(bar);
    return bar;
  }
}
