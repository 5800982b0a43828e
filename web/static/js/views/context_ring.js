// How full the model's window is: a ring beside the composer's button, and the figures behind it in
// a menu. Pins have their own shade.

import { el, setText, show } from "../lib/dom.js";

const SVG = "http://www.w3.org/2000/svg";
// a circle whose length is 100, so that shares are lengths
const RADIUS = 100 / (2 * Math.PI);
const NEARLY_FULL = 0.9;

export class ContextRing {
  #page;
  #root;
  #button;
  #percent = el("span");
  #used = circle("ring-used");
  #pinned = circle("ring-pinned");
  #facts = el("dl", { class: "context-facts" });

  constructor(root, page) {
    this.#root = root;
    this.#page = page;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 40 40");
    svg.setAttribute("class", "ring");
    svg.setAttribute("aria-hidden", "true");
    svg.append(circle("ring-whole"), this.#used, this.#pinned);
    this.#button = el(
      "button",
      {
        type: "button",
        class: "ring-button",
        "aria-expanded": "false",
        "data-bs-toggle": "dropdown",
      },
      svg,
      this.#percent,
    );
    root.append(
      this.#button,
      el(
        "div",
        { class: "dropdown-menu dropdown-menu-end context-menu" },
        el("p", { class: "context-title" }, page.i18n.t("ui.context.title")),
        this.#facts,
      ),
    );
  }

  /** `full` is what WindowGauge reads, `spent` the conversation's usage; either may be null. */
  update(full, spent) {
    show(this.#root, full !== null);
    if (!full) return;
    const { i18n } = this.#page;
    const percent = i18n.number(full.share, { style: "percent", maximumFractionDigits: 0 });
    setText(this.#percent, percent);
    this.#button.setAttribute("aria-label", i18n.t("ui.context.label", { percent }));
    this.#root.classList.toggle("is-nearly-full", full.share >= NEARLY_FULL);
    draw(this.#used, full.share);
    draw(this.#pinned, Math.min(full.share, full.pinnedTokens / full.window));
    this.#showFacts(full, spent);
  }

  #showFacts(full, spent) {
    const { i18n } = this.#page;
    const facts = [
      ["ui.context.used", i18n.t("ui.context.of", { n: i18n.number(full.used), of: i18n.number(full.window) })],
    ];
    if (full.pinnedTurns > 0) {
      const tokens = i18n.count("ui.tokens", full.pinnedTokens);
      facts.push(["ui.context.pinned", `${i18n.count("ui.context.turns", full.pinnedTurns)}, ${tokens}`]);
    }
    if (full.omitted > 0) {
      facts.push(["ui.context.omitted", i18n.count("ui.context.turns", full.omitted)]);
    }
    if (spent) {
      const { input_tokens: read, output_tokens: written } = spent;
      const values = { read: i18n.compact(read), written: i18n.compact(written) };
      facts.push(["ui.context.spent", i18n.t("ui.context.read_written", values)]);
      if (spent.cost !== null) facts.push(["ui.context.cost", i18n.price(spent.cost)]);
    }
    this.#facts.replaceChildren(
      ...facts.flatMap(([key, value]) => [el("dt", {}, i18n.t(key)), el("dd", {}, value)]),
    );
  }
}

function circle(name) {
  const element = document.createElementNS(SVG, "circle");
  for (const [key, value] of Object.entries({ class: name, cx: 20, cy: 20, r: RADIUS, pathLength: 100 }))
    element.setAttribute(key, value);
  return element;
}

function draw(element, share) {
  element.setAttribute("stroke-dasharray", `${Math.round(share * 1000) / 10} 100`);
}
