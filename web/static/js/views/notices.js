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

  /** Shows `text` for `matter`, or changes it. Kinds: "waiting" (amber), "failure" (red). */
  show(matter, text, { kind = "waiting", canClose = false } = {}) {
    const bar = this.#bars.get(matter) ?? this.#build(matter, canClose);
    bar.className = `notice notice-${kind}`;
    if (bar.firstChild.textContent === text) return;
    setText(bar.firstChild, text);
    this.#page.announcer.say(text);
  }

  clear(matter) {
    this.#bars.get(matter)?.remove();
    this.#bars.delete(matter);
  }

  #build(matter, canClose) {
    const close = canClose
      ? iconButton("close", this.#page.i18n.t("ui.close"), { on: { click: () => this.#close(matter) } })
      : null;
    const bar = el("div", {}, el("span"), close);
    this.#bars.set(matter, bar);
    this.#root.append(bar);
    return bar;
  }

  #close(matter) {
    this.clear(matter);
    this.#page.focusComposer();
  }
}
