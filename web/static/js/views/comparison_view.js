// Replies to one question next to each other, each with a button to go on with it. On a phone they
// stand in a row that is swept sideways.

import { el, iconButton, setText } from "../lib/dom.js";
import { tell } from "../lib/events.js";
import { arrange } from "../lib/keyed.js";
import { ReplyTurn } from "./reply_turn.js";

export class ComparisonView {
  #page;
  #title = el("h2", { class: "comparison-title" });
  #row = el("div", { class: "comparison-row" });
  #columns = new Map();

  constructor(page) {
    this.#page = page;
    const { i18n } = page;
    this.element = el(
      "section",
      { class: "comparison", "aria-label": i18n.t("ui.compare.label") },
      el(
        "div",
        { class: "comparison-head" },
        this.#title,
        iconButton("close", i18n.t("ui.compare.close"), {
          on: { click: () => tell(this.element, "stop-comparing") },
        }),
      ),
      this.#row,
    );
  }

  /** `comparison` is the model; `show(turn, reply)` brings a ReplyTurn up to date. */
  update(comparison, show) {
    const { replies } = comparison;
    setText(this.#title, this.#page.i18n.t("ui.compare.title"));
    const columns = replies.map((reply) => {
      const column = this.#columns.get(reply.id) ?? this.#makeColumn(reply.id);
      show(column.turn, reply);
      return column.element;
    });
    arrange(this.#row, columns);
    for (const id of this.#columns.keys()) if (!comparison.has(id)) this.#columns.delete(id);
  }

  /** The ReplyTurns in view. */
  get turns() {
    return [...this.#columns.values()].map(({ turn }) => turn);
  }

  #makeColumn(replyId) {
    const turn = new ReplyTurn(this.#page);
    const go = el(
      "button",
      {
        type: "button",
        class: "plain-button comparison-choose",
        on: { click: () => tell(this.element, "choose-reply", { replyId }) },
      },
      this.#page.i18n.t("ui.compare.choose"),
    );
    const element = el("div", { class: "comparison-column" }, turn.element, go);
    this.#columns.set(replyId, { turn, element });
    return { turn, element };
  }
}
