// The model of the next turn: a button with its name, and a menu with window and price. Withdrawn
// models stay in sight, marked, and can't be chosen.

import { el, setText } from "../lib/dom.js";
import { tell } from "../lib/events.js";

export class ModelPicker {
  #root;
  #page;
  #name;
  #button;
  #menu;

  constructor(root, page) {
    this.#root = root;
    this.#page = page;
    this.#name = root.querySelector("[data-model-name]");
    this.#button = root.querySelector("button");
    this.#menu = root.querySelector(".model-menu");
  }

  /** `chosen` is the model that the next turn goes to, or null while none is known. */
  show(models, chosen) {
    const { i18n } = this.#page;
    setText(this.#name, chosen?.label ?? i18n.t("ui.model.none"));
    this.#button.setAttribute(
      "aria-label",
      i18n.t("ui.model.chosen", { model: chosen?.label ?? i18n.t("ui.model.none") }),
    );
    this.#menu.replaceChildren(
      ...models.map((model) => el("li", {}, this.#item(model, model.id === chosen?.id))),
      ...this.#several(models),
    );
  }

  // The same question to several of them, if there are several.
  #several(models) {
    if (models.filter(({ available }) => available).length < 2) return [];
    const ask = () => tell(this.#root, "compare-models");
    const words = this.#page.i18n.t("ui.compare.next");
    const item = el("button", { type: "button", class: "dropdown-item", on: { click: ask } }, words);
    return [el("li", {}, el("hr", { class: "dropdown-divider" })), el("li", {}, item)];
  }

  #item(model, isChosen) {
    const { i18n } = this.#page;
    return el(
      "button",
      {
        type: "button",
        class: "dropdown-item model-item",
        disabled: !model.available,
        "aria-current": isChosen ? "true" : null,
        on: { click: () => tell(this.#root, "model", { id: model.id }) },
      },
      el(
        "span",
        { class: "model-line" },
        el("span", { class: "model-label" }, model.label),
        model.local ? el("span", { class: "model-local" }, i18n.t("ui.model.local")) : null,
        model.available ? null : el("span", { class: "model-withdrawn" }, i18n.t("ui.model.withdrawn")),
      ),
      el("span", { class: "model-facts" }, this.#facts(model)),
    );
  }

  #facts(model) {
    const { i18n } = this.#page;
    const approximately = model.token_count_is_exact ? "" : "≈ ";
    const facts = [i18n.t("ui.model.window", { n: approximately + i18n.compact(model.context_window) })];
    if (model.input_price !== null && model.output_price !== null) {
      facts.push(
        i18n.t("ui.model.price", {
          input: i18n.price(model.input_price),
          output: i18n.price(model.output_price),
        }),
      );
    }
    return facts.join(" · ");
  }
}
