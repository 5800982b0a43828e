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
   * Shows `text` for `matter`, or changes it. Kinds: "waiting" (amber), "failure" (red). A `link`
   * {text, href} is the way out of it.
   */
  show(matter, text, { kind = "waiting", canClose = false, link = null } = {}) {
    const bar = this.#bars.get(matter) ?? this.#build(matter, canClose, link);
    bar.className = `notice notice-${kind}`;
    if (bar.firstChild.textContent === text) return;
    setText(bar.firstChild, text);
    this.#page.announcer.say(text);
  }

  clear(matter) {
    this.#bars.get(matter)?.remove();
    this.#bars.delete(matter);
  }

  #build(matter, canClose, link) {
    const close = canClose
      ? iconButton("close", this.#page.i18n.t("ui.close"), { on: { click: () => this.#close(matter) } })
      : null;
    const way = link ? el("a", { class: "notice-link", href: link.href }, link.text) : null;
    const bar = el("div", {}, el("span"), way, close);
    this.#bars.set(matter, bar);
    this.#root.append(bar);
    return bar;
  }

  #close(matter) {
    this.clear(matter);
    this.#page.focusComposer();
  }
}
