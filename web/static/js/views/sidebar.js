// The list of conversations by day, the search, and the page's settings. A title is changed in its
// place; deleting asks first. On a phone the whole is a drawer.

import { el, setText } from "../lib/dom.js";
import { tell } from "../lib/events.js";
import { arrange } from "../lib/keyed.js";
import { hideDrawer } from "../lib/bootstrap.js";
import { ConversationItem } from "./conversation_item.js";

const SEARCH_MS = 250;
const DAYS = ["today", "yesterday", "earlier"];

export class Sidebar {
  #root;
  #page;
  #list;
  #items = new Map();
  #groups = new Map();
  #more;
  #nothing;
  #currentId = null;
  #timer = null;

  constructor(root, page) {
    this.#root = root;
    this.#page = page;
    const { i18n } = page;
    this.#list = root.querySelector("[data-list]");
    for (const day of DAYS) this.#groups.set(day, makeGroup(day, i18n.t(`ui.sidebar.${day}`)));
    this.#more = el("button", { type: "button", class: "plain-button" }, i18n.t("ui.sidebar.more"));
    this.#more.addEventListener("click", () => tell(root, "more-conversations"));
    this.#nothing = el("p", { class: "nothing" });
    this.#listenToSearch(root.querySelector("[data-search]"));
    page.store.addEventListener("conversations", () => this.refresh());
  }

  /** Marks the conversation in view. */
  show(currentId) {
    this.#currentId = currentId;
    this.refresh();
  }

  /** Puts the drawer away; where the sidebar always stands this changes nothing. */
  hide() {
    hideDrawer(this.#root);
  }

  refresh() {
    const { store, i18n } = this.#page;
    const now = new Date(this.#page.api.now());
    const days = new Map(DAYS.map((day) => [day, []]));
    const kept = new Map();
    for (const conversation of store.conversations) {
      const item = this.#items.get(conversation.id) ?? new ConversationItem(this.#page);
      item.update(conversation, { isCurrent: conversation.id === this.#currentId });
      kept.set(conversation.id, item);
      days.get(dayOf(new Date(conversation.updated_at), now)).push(item.element);
    }
    this.#items = kept;
    for (const [day, elements] of days) arrange(this.#groups.get(day).lastChild, elements);
    const shown = DAYS.filter((day) => days.get(day).length > 0).map((day) => this.#groups.get(day));
    setText(this.#nothing, i18n.t(store.query ? "ui.sidebar.nothing_found" : "ui.sidebar.nothing"));
    arrange(this.#list, [
      ...shown,
      ...(store.conversations.length === 0 ? [this.#nothing] : []),
      ...(store.hasMore ? [this.#more] : []),
    ]);
  }

  #listenToSearch(field) {
    field.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(
        () => tell(this.#root, "search", { query: field.value.trim() }),
        SEARCH_MS,
      );
    });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || field.value === "") return;
      event.stopPropagation();
      field.value = "";
      tell(this.#root, "search", { query: "" });
    });
  }
}

function makeGroup(day, label) {
  const id = `conversations-${day}`;
  return el(
    "section",
    { "aria-labelledby": id },
    el("h2", { class: "day", id }, label),
    el("ul", { class: "conversation-list" }),
  );
}

function dayOf(date, now) {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  if (date >= midnight) return "today";
  return date >= new Date(midnight.getFullYear(), midnight.getMonth(), midnight.getDate() - 1)
    ? "yesterday"
    : "earlier";
}
