// Finds words in the conversation in view, by the server: the browser's own search sees only the
// turns that are loaded. Enter goes from hit to hit, from the newest to older ones.

import { el, icon, iconButton, setText, show } from "../lib/dom.js";
import { tell } from "../lib/events.js";

const TYPING_MS = 200;

export class Finder {
  #page;
  #conversation = null;
  #field;
  #count = el("span", { class: "finder-count", "aria-live": "polite" });
  #list = el("ol", { class: "finder-hits" });
  #steps;
  #hits = [];
  #hasMore = false;
  #at = -1;
  #asked = 0;
  #timer = null;

  constructor(page) {
    this.#page = page;
    const { i18n } = page;
    this.#field = el("input", {
      type: "search",
      class: "finder-field form-control",
      autocomplete: "off",
      placeholder: i18n.t("ui.finder.placeholder"),
      "aria-label": i18n.t("ui.finder.label"),
    });
    this.#field.addEventListener("input", () => this.#typed());
    this.#steps = [
      iconButton("up", i18n.t("ui.finder.newer"), { on: { click: () => this.#step(-1) } }),
      iconButton("down", i18n.t("ui.finder.older"), { on: { click: () => this.#step(1) } }),
    ];
    this.element = el(
      "search",
      { class: "finder", hidden: true },
      el(
        "div",
        { class: "finder-bar" },
        icon("search"),
        this.#field,
        this.#count,
        ...this.#steps,
        iconButton("close", i18n.t("ui.close"), { on: { click: () => this.close() } }),
      ),
      this.#list,
    );
    this.element.addEventListener("keydown", (event) => this.#pressed(event));
  }

  get isOpen() {
    return !this.element.hidden;
  }

  open(conversation) {
    if (conversation !== this.#conversation) this.#field.value = "";
    this.#conversation = conversation;
    show(this.element, true);
    this.#field.focus();
    this.#field.select();
    this.#find();
  }

  close() {
    if (!this.isOpen) return;
    show(this.element, false);
    this.#page.focusComposer();
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#find(), TYPING_MS);
  }

  #pressed(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
    } else if (event.key === "Enter" && event.target === this.#field) {
      event.preventDefault();
      this.#step(event.shiftKey ? -1 : 1);
    }
  }

  // An older answer never wins.
  async #find() {
    const asked = ++this.#asked;
    const q = this.#field.value.trim();
    let page = { data: [], next: null };
    try {
      if (q) page = await this.#page.api.search({ q, conversationId: this.#conversation.id });
    } catch (error) {
      this.#page.failed(error);
    }
    if (asked !== this.#asked) return;
    this.#hits = page.data.filter(({ message_id: id }) => id !== null);
    this.#hasMore = page.next !== null;
    this.#at = -1;
    this.#list.replaceChildren(...this.#hits.map((hit, index) => this.#item(hit, index)));
    this.#show();
  }

  #step(by) {
    if (this.#hits.length === 0) return;
    const count = this.#hits.length;
    this.#go(this.#at < 0 ? 0 : (this.#at + by + count) % count);
  }

  #go(index) {
    this.#at = index;
    this.#show();
    tell(this.element, "go-to", { messageId: this.#hits[index].message_id });
  }

  #show() {
    const { i18n } = this.#page;
    const of = i18n.number(this.#hits.length) + (this.#hasMore ? "+" : "");
    const isAsked = this.#field.value.trim() !== "";
    const words = { n: i18n.number(this.#at + 1), of };
    if (!isAsked) setText(this.#count, "");
    else if (this.#hits.length === 0) setText(this.#count, i18n.t("ui.finder.nothing"));
    else setText(this.#count, this.#at < 0 ? of : i18n.t("ui.siblings.position", words));
    for (const button of this.#steps) button.disabled = this.#hits.length === 0;
    [...this.#list.children].forEach((item, index) => {
      const button = item.firstChild;
      if (index === this.#at) {
        button.setAttribute("aria-current", "true");
        item.scrollIntoView({ block: "nearest" });
      } else button.removeAttribute("aria-current");
    });
  }

  #item({ role, before, match, after }, index) {
    const { i18n } = this.#page;
    const who = role === "user" ? i18n.t("ui.turn.you") : "EpiCode";
    return el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: "finder-hit", on: { click: () => this.#go(index) } },
        el("span", { class: "finder-who" }, who),
        el("span", { class: "finder-words" }, before, el("mark", {}, match), after),
      ),
    );
  }
}
