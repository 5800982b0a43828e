// What else can be done about a reply: have another model answer, read versions next to each other.
// Filled when it is opened: a conversation has many replies, and a server many models.

import { el, icon } from "../lib/dom.js";
import { tell } from "../lib/events.js";

export class ReplyMenu {
  #page;
  #turn;
  #list = el("ul", { class: "dropdown-menu reply-menu" });

  /** `turn` is the ReplyTurn that the menu belongs to. */
  constructor(page, turn) {
    this.#page = page;
    this.#turn = turn;
    const label = page.i18n.t("ui.turn.more");
    this.element = el(
      "div",
      { class: "dropdown turn-more" },
      el(
        "button",
        {
          type: "button",
          class: "icon-button",
          title: label,
          "aria-label": label,
          "aria-expanded": "false",
          "data-bs-toggle": "dropdown",
          "data-bs-popper-config": '{"strategy":"fixed"}',
        },
        icon("more"),
      ),
      this.#list,
    );
    this.element.addEventListener("show.bs.dropdown", () => this.#fill());
  }

  #fill() {
    const { i18n, store } = this.#page;
    const { parent_id: questionId, sibling_ids: versions = [] } = this.#turn.message;
    const others = store.models.filter(({ available }) => available);
    this.#list.replaceChildren(
      el("li", {}, el("h3", { class: "dropdown-header" }, i18n.t("ui.turn.again_with"))),
      ...others.map(({ id, label }) =>
        this.#item(label, () => this.#tell("regenerate", { messageId: questionId, model: id })),
      ),
      el("li", {}, el("hr", { class: "dropdown-divider" })),
      ...(others.length > 1
        ? [this.#item(i18n.t("ui.compare.models"), () => this.#tell("compare-models", { questionId }))]
        : []),
      ...(versions.length > 1
        ? [this.#item(i18n.t("ui.compare.versions"), () => this.#tell("compare", { questionId }))]
        : []),
    );
  }

  #item(label, action) {
    return el(
      "li",
      {},
      el("button", { type: "button", class: "dropdown-item", on: { click: action } }, label),
    );
  }

  #tell(type, detail) {
    tell(this.element, type, detail);
  }
}
