// The field that looks for words in all conversations, and what they were found in. Arrows go from
// the field into the hits and back; Esc ends the search.

import { el, setText } from "../lib/dom.js";
import { tell } from "../lib/events.js";

const SEARCH_MS = 250;

export class SearchResults {
  #field;
  #page;
  #timer = null;
  #list;
  #more;
  #note = el("p", { class: "nothing" });
  #shown = null;

  constructor(field, page) {
    this.#field = field;
    this.#page = page;
    const { i18n } = page;
    this.#list = el("ul", { class: "hits", "aria-label": i18n.t("ui.search.hits") });
    this.#more = el(
      "button",
      { type: "button", class: "plain-button", on: { click: () => tell(field, "more-hits") } },
      i18n.t("ui.sidebar.more"),
    );
    field.addEventListener("input", () => this.#typed());
    field.addEventListener("keydown", (event) => this.#pressedInField(event));
    this.#list.addEventListener("keydown", (event) => this.#pressedInList(event));
  }

  /** The elements that stand in the list's place. */
  show() {
    const { search, i18n, announcer } = this.#page;
    if (this.#shown !== search.hits) {
      this.#shown = search.hits;
      this.#list.replaceChildren(...search.hits.map((hit) => this.#hit(hit)));
      if (!search.isBusy) announcer.say(i18n.count("ui.search.found", search.hits.length));
    }
    if (search.hits.length > 0) return [this.#list, ...(search.hasMore ? [this.#more] : [])];
    setText(this.#note, i18n.t(search.isBusy ? "ui.search.busy" : "ui.search.nothing"));
    return [this.#note];
  }

  #hit(hit) {
    const { i18n } = this.#page;
    const isTitle = hit.message_id === null;
    const who = isTitle
      ? i18n.t("ui.search.in_title")
      : i18n.t(hit.role === "user" ? "ui.turn.you" : "ui.search.reply");
    const link = el(
      "a",
      { class: "hit", href: `/c/${hit.conversation_id}` },
      el("span", { class: "hit-title" }, hit.title || i18n.t("ui.conversation.untitled")),
      isTitle
        ? null
        : el("span", { class: "hit-text" }, hit.before, el("mark", {}, hit.match), hit.after),
      el("span", { class: "hit-facts" }, `${who} · ${i18n.day(hit.created_at)}`),
    );
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      tell(link, "open-hit", { conversationId: hit.conversation_id, messageId: hit.message_id });
    });
    return el("li", {}, link);
  }

  #typed() {
    clearTimeout(this.#timer);
    const query = this.#field.value.trim();
    if (query === "") this.#find("");
    else this.#timer = setTimeout(() => this.#find(query), SEARCH_MS);
  }

  #find(query) {
    clearTimeout(this.#timer);
    tell(this.#field, "search", { query });
  }

  #pressedInField(event) {
    if (event.isComposing) return;
    if (event.key === "Escape" && this.#field.value !== "") {
      event.stopPropagation();
      this.#field.value = "";
      this.#find("");
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      this.#list.querySelector("a")?.focus();
    }
  }

  #pressedInList(event) {
    const links = [...this.#list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    if (event.key === "ArrowDown") links[at + 1]?.focus();
    else if (event.key === "ArrowUp") (links[at - 1] ?? this.#field).focus();
    else if (event.key === "Escape") this.#field.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
