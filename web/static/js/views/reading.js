// What helps to read a conversation: the ring of the window, what it cost, finding words in it,
// quoting from it. What few need is fetched when it is first wanted.

import { el, setText, show } from "../lib/dom.js";
import { WindowGauge } from "../models/context.js";
import { railOf } from "../models/rail.js";
import { ContextRing } from "./context_ring.js";
import { Quoting } from "./quoting.js";
import { Together } from "./together.js";

export class Reading {
  #page;
  #transcript;
  #ring;
  #cost;
  #gauge = null;
  #finder = null;
  #conversation = null;

  constructor(page) {
    this.#page = page;
    this.#transcript = document.getElementById("transcript");
    this.#ring = new ContextRing(document.querySelector("[data-ring]"), page);
    this.#cost = document.querySelector("[data-cost]");
    this.quoting = new Quoting(this.#transcript, page);
    this.together = new Together(document.querySelector("[data-together]"), page);
  }

  /** Goes over to another conversation. */
  open(conversation) {
    this.#conversation = conversation;
    this.#gauge = new WindowGauge();
    this.#finder?.close();
    for (const type of ["info", "turns", "reply"]) {
      conversation.addEventListener(type, () => this.#show());
    }
    this.#show();
  }

  async find() {
    if (!this.#finder) {
      const { Finder } = await import("./finder.js");
      this.#finder ??= new Finder(this.#page);
      this.#transcript.before(el("div", { class: "finder-place" }, this.#finder.element));
    }
    this.#finder.open(this.#conversation);
  }

  get isFinding() {
    return this.#finder?.element.contains(document.activeElement) ?? false;
  }

  #show() {
    const { turns, seen, hasOlder, spent } = this.#conversation;
    const { rails } = railOf(turns, seen, { hasOlder });
    this.#ring.update(this.#gauge.read(turns, seen, rails), spent);
    const { i18n } = this.#page;
    const hasCost = spent !== null && spent.cost !== null && spent.cost > 0;
    show(this.#cost, hasCost);
    if (hasCost) setText(this.#cost, i18n.t("ui.cost.conversation", { cost: i18n.price(spent.cost) }));
  }
}
