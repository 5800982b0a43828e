// What every turn has: an article with a heading, the rail at its left, the arrows between its
// siblings, and a row of actions.

import { el, iconButton, setText, show } from "../lib/dom.js";
import { tell } from "../lib/events.js";

export class Turn {
  #heading;
  #siblings;
  #position;
  #earlier;
  #later;

  /** `page` is what all views share: {i18n, announcer, …}. */
  constructor(page, name, { hidden = false, kind }) {
    this.page = page;
    this.#heading = el("h2", { class: hidden ? "visually-hidden" : "turn-name" }, name);
    this.meta = el("span", { class: "turn-meta" });
    this.body = el("div", { class: "turn-body" });
    this.actions = el("div", { class: "turn-actions" });
    this.head = el("div", { class: "turn-head" }, this.#heading, this.meta);
    this.element = el(
      "article",
      { class: `turn turn-${kind}`, "aria-label": name },
      this.head,
      this.body,
      this.actions,
    );
    this.#buildSiblings();
  }

  /** The message that this turn shows now; null for one that the server hasn't confirmed. */
  message = null;

  /** Shows the message and its rail: "sent", "omitted", "waiting", "writing" or "unknown". */
  update(message, { rail }) {
    this.message = message;
    this.element.dataset.rail = rail;
    this.element.dataset.id = message.id;
    this.#showSiblings(message.sibling_ids ?? []);
  }

  /** Puts the focus where the arrows to other siblings are: the turn took another's place. */
  focusSiblings() {
    const target = [this.#later, this.#earlier].find((button) => !button.disabled);
    target?.focus({ preventScroll: true });
  }

  #buildSiblings() {
    const { i18n } = this.page;
    this.#earlier = this.#arrow("left", i18n.t("ui.siblings.earlier"), -1);
    this.#later = this.#arrow("right", i18n.t("ui.siblings.later"), 1);
    this.#position = el("span", { class: "siblings-position" });
    this.#siblings = el(
      "div",
      { class: "siblings", role: "group", "aria-label": i18n.t("ui.siblings.label"), hidden: true },
      this.#earlier,
      this.#position,
      this.#later,
    );
    this.actions.append(this.#siblings);
  }

  #arrow(name, label, step) {
    return iconButton(name, label, {
      on: {
        click: () => {
          const ids = this.message.sibling_ids;
          const target = ids[ids.indexOf(this.message.id) + step];
          if (target) tell(this.element, "switch", { from: this.message.id, to: target });
        },
      },
    });
  }

  #showSiblings(ids) {
    const index = ids.indexOf(this.message.id);
    show(this.#siblings, ids.length > 1);
    if (ids.length <= 1) return;
    setText(this.#position, this.page.i18n.t("ui.siblings.position", { n: index + 1, of: ids.length }));
    this.#earlier.disabled = index <= 0;
    this.#later.disabled = index < 0 || index === ids.length - 1;
  }
}
