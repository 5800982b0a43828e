// The list of conversations: the pinned ones, then by day, or the archived ones; and what a search
// found in their place. On a phone the whole is a drawer.

import { hideDrawer } from "../lib/bootstrap.js";
import { el, setText } from "../lib/dom.js";
import { tell } from "../lib/events.js";
import { arrange } from "../lib/keyed.js";
import { ConversationItem } from "./conversation_item.js";
import { SearchResults } from "./search_results.js";

const GROUPS = ["pinned", "today", "yesterday", "earlier"];

export class Sidebar {
  #root;
  #page;
  #list;
  #items = new Map();
  #groups = new Map();
  #archiveHead;
  #archiveButton;
  #more;
  #nothing;
  #results;
  #currentId = null;

  constructor(root, page) {
    this.#root = root;
    this.#page = page;
    const { i18n, store, search } = page;
    this.#list = root.querySelector("[data-list]");
    for (const group of GROUPS) this.#groups.set(group, makeGroup(group, i18n.t(`ui.sidebar.${group}`)));
    this.#archiveHead = el("h2", { class: "day" }, i18n.t("ui.sidebar.archive"));
    this.#archiveButton = this.#button("quiet-link archive-button", () =>
      tell(root, "show-archive", { archived: !store.isArchive }),
    );
    this.#more = this.#button("plain-button", () => tell(root, "more-conversations"));
    setText(this.#more, i18n.t("ui.sidebar.more"));
    this.#nothing = el("p", { class: "nothing" });
    this.#results = new SearchResults(root.querySelector("[data-search]"), page);
    store.addEventListener("conversations", () => this.refresh());
    search.addEventListener("changed", () => this.refresh());
    page.activity.addEventListener("changed", () => this.refresh());
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
    if (this.#page.search.query) arrange(this.#list, this.#results.show());
    else arrange(this.#list, this.#showConversations());
  }

  #showConversations() {
    const { store, i18n } = this.#page;
    const now = new Date(this.#page.api.now());
    const groups = new Map(GROUPS.map((group) => [group, []]));
    const kept = new Map();
    const { conversations } = store;
    for (const conversation of conversations) {
      const { id } = conversation;
      const item = this.#items.get(id) ?? new ConversationItem(this.#page);
      item.update(conversation, {
        isCurrent: id === this.#currentId,
        state: this.#page.stateOf(id),
      });
      kept.set(id, item);
      groups.get(groupOf(conversation, now)).push(item.element);
    }
    this.#items = kept;
    for (const [group, elements] of groups) arrange(this.#groups.get(group).lastChild, elements);
    setText(this.#nothing, i18n.t(store.isArchive ? "ui.sidebar.nothing_archived" : "ui.sidebar.nothing"));
    setText(
      this.#archiveButton,
      i18n.t(store.isArchive ? "ui.sidebar.leave_archive" : "ui.sidebar.show_archive"),
    );
    return [
      ...(store.isArchive ? [this.#archiveHead] : []),
      ...GROUPS.filter((group) => groups.get(group).length > 0).map((group) => this.#groups.get(group)),
      ...(conversations.length === 0 ? [this.#nothing] : []),
      ...(store.hasMore ? [this.#more] : []),
      this.#archiveButton,
    ];
  }

  #button(className, action) {
    return el("button", { type: "button", class: className, on: { click: action } });
  }
}

function makeGroup(group, label) {
  const id = `conversations-${group}`;
  return el(
    "section",
    { "aria-labelledby": id },
    el("h2", { class: "day", id }, label),
    el("ul", { class: "conversation-list" }),
  );
}

function groupOf({ pinned, updated_at: updatedAt }, now) {
  if (pinned) return "pinned";
  const date = new Date(updatedAt);
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  if (date >= midnight) return "today";
  return date >= new Date(midnight.getFullYear(), midnight.getMonth(), midnight.getDate() - 1)
    ? "yesterday"
    : "earlier";
}
