// Which part of the page is in view: the one that the address names after its #. A part is read
// each time it comes into view, and every few seconds while it is looked at.

import { show } from "../../lib/dom.js";

const REFRESH_MS = 5000;

export class Parts {
  #nav;
  #page;
  #readers;
  #names;
  #timer = null;
  #isOver = false;

  /**
   * `nav` links to the elements [data-part]; `readers` has for each by name what `load` reads when
   * it comes into view and what `refresh` reads while it is looked at.
   */
  constructor(nav, page, readers) {
    this.#nav = nav;
    this.#page = page;
    this.#readers = readers;
    this.#names = [...document.querySelectorAll("[data-part]")].map(({ dataset }) => dataset.part);
    window.addEventListener("hashchange", () => this.#turn());
    document.addEventListener("visibilitychange", () => !document.hidden && this.#bring("refresh"));
    page.api.addEventListener("signed-out", () => {
      this.#isOver = true;
    });
  }

  start() {
    return this.#turn();
  }

  get #current() {
    const named = location.hash.slice(1);
    return this.#names.includes(named) ? named : this.#names[0];
  }

  #turn() {
    for (const part of document.querySelectorAll("[data-part]"))
      show(part, part.dataset.part === this.#current);
    for (const link of this.#nav.querySelectorAll("a")) {
      if (link.hash === `#${this.#current}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    return this.#bring("load");
  }

  async #bring(how) {
    clearTimeout(this.#timer);
    const reader = this.#readers[this.#current];
    if (!document.hidden) await this.#page.attempt(() => reader[how](), "reading");
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    this.#timer = setTimeout(() => this.#bring("refresh"), REFRESH_MS);
  }
}
