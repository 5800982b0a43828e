// Which part of the page is in view: the one that the address names after its #. A part is read
// each time it comes into view, and every few seconds while it is looked at.

import { show } from "../../lib/dom.js";

const REFRESH_MS = 5000;

export class Parts {
  #nav;
  #read;
  #names;
  #timer = null;

  /** `nav` links to the elements [data-part]; `read(name)` brings one up to date. */
  constructor(nav, page, { read }) {
    this.#nav = nav;
    this.#read = read;
    this.#names = [...document.querySelectorAll("[data-part]")].map(({ dataset }) => dataset.part);
    window.addEventListener("hashchange", () => this.#turn());
    document.addEventListener("visibilitychange", () => !document.hidden && this.#refresh());
    page.api.addEventListener("signed-out", () => clearTimeout(this.#timer));
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
    return this.#refresh();
  }

  async #refresh() {
    clearTimeout(this.#timer);
    const part = this.#current;
    if (!document.hidden) await this.#read(part);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refresh(), REFRESH_MS);
  }
}
