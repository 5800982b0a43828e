// The models that the next question goes to besides the chosen one: a chip above the text, with a
// way to think again.

import { el, iconButton, setText, show } from "../lib/dom.js";

export class Together {
  #root;
  #page;
  #words = el("span");
  #models = [];

  constructor(root, page) {
    this.#root = root;
    this.#page = page;
    root.append(
      this.#words,
      iconButton("close", page.i18n.t("ui.compare.drop"), { on: { click: () => this.drop() } }),
    );
  }

  /** Ids of models, the one that answers in the usual place first. */
  choose(models) {
    this.#models = models;
    const names = models.map((id) => this.#page.store.labelOf(id)).join(", ");
    setText(this.#words, this.#page.i18n.t("ui.compare.with", { models: names }));
    show(this.#root, models.length > 1);
  }

  drop() {
    this.choose([]);
    this.#page.focusComposer();
  }

  /** The models that are to be asked besides the first; asked once, they are no longer. */
  take() {
    const others = this.#models.slice(1);
    this.choose([]);
    return others;
  }
}
