// A selection in the conversation can be quoted: a small button beside it puts it into the composer.

import { el, icon, show } from "../lib/dom.js";
import { tell } from "../lib/events.js";
import { quoted } from "../models/quote.js";

const GAP = 8;

export class Quoting {
  #region;
  #button;

  /** `region` is where may be selected. */
  constructor(region, page) {
    this.#region = region;
    this.#button = el(
      "button",
      { type: "button", class: "quote-button", hidden: true },
      icon("quote"),
      page.i18n.t("ui.quote"),
    );
    // a press must not take the selection away before it is read
    this.#button.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#button.addEventListener("click", () => this.quote());
    region.after(this.#button);
    document.addEventListener("selectionchange", () => this.#place());
    region.addEventListener("scroll", () => this.#place(), { passive: true });
  }

  /** Quotes what is selected, if anything is. */
  quote() {
    const range = this.#range();
    if (!range) return;
    tell(this.#button, "quote", { text: quoted(selectedText(), codeLanguageOf(range)) });
    getSelection().removeAllRanges();
  }

  #range() {
    const selection = getSelection();
    if (selection.rangeCount === 0 || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0);
    const isInside = this.#region.contains(range.commonAncestorContainer);
    return isInside && selectedText().trim() !== "" ? range : null;
  }

  #place() {
    const range = this.#range();
    const line = range && [...range.getClientRects()].at(-1);
    const region = this.#region.getBoundingClientRect();
    const isSeen = Boolean(line) && line.bottom > region.top && line.top < region.bottom;
    show(this.#button, isSeen);
    if (!isSeen) return;
    const { offsetWidth: width, offsetHeight: height } = this.#button;
    const left = Math.max(region.left + GAP, Math.min(line.right - width / 2, region.right - width - GAP));
    const top = Math.min(line.bottom + GAP, region.bottom - height - GAP);
    this.#button.style.left = `${left}px`;
    this.#button.style.top = `${top}px`;
  }
}

// What is selected as people see it: a range's own text would run blocks together.
function selectedText() {
  return getSelection().toString();
}

/** The language of the code block that holds the whole selection; null outside of one. */
function codeLanguageOf(range) {
  const node = range.commonAncestorContainer;
  const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
  return element.closest("pre") ? (element.closest(".code-block")?.codeBlock?.language ?? "") : null;
}
