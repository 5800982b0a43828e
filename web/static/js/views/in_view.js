// Which conversation is in view. The address says it, whoever changes it goes through here, and a
// tab that is seen again catches up at once.

import { hear } from "../lib/events.js";
import { Conversation } from "../models/conversation.js";

const ADDRESS = /^\/c\/([0-9a-f-]+)\/?$/;

export class InView {
  #page;
  #views;
  #screen;
  #conversation;

  constructor(page, views, screen) {
    this.#page = page;
    this.#views = views;
    this.#screen = screen;
  }

  get conversation() {
    return this.#conversation;
  }

  start() {
    this.#listen();
    this.open(idInAddress());
  }

  /** Goes over to a conversation as a person does: with an address to come back to. */
  go(id) {
    this.#views.sidebar.hide();
    if (id === this.#conversation.id && id !== null) return this.#views.composer.focus();
    history.pushState(null, "", id === null ? "/" : `/c/${id}`);
    this.open(id);
    this.#views.composer.focus();
  }

  /** Shows a conversation; null is the one that its first message will create. */
  open(id) {
    this.#conversation?.close();
    const conversation = new Conversation(id, {
      api: this.#page.api,
      drafts: this.#page.drafts,
      environment: browserEnvironment(this.#page.api),
    });
    this.#conversation = conversation;
    conversation.addEventListener("created", ({ detail }) => this.#welcomeNew(conversation, detail));
    this.#screen.open(conversation);
    this.#load(conversation);
  }

  #listen() {
    hear(document.body, "open-conversation", ({ conversation }) => this.go(conversation.id));
    for (const link of document.querySelectorAll("[data-new]")) {
      link.addEventListener("click", (event) => this.#startNew(event));
    }
    window.addEventListener("popstate", () => this.#followAddress());
    document.addEventListener("visibilitychange", () => this.#comeBack());
    for (const type of ["online", "pageshow"]) window.addEventListener(type, () => this.#comeBack());
  }

  #startNew(event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.go(null);
  }

  #followAddress() {
    const id = idInAddress();
    if (id !== this.#conversation.id) this.open(id);
  }

  async #load(conversation) {
    try {
      await conversation.load();
    } catch (error) {
      if (conversation !== this.#conversation) return;
      if (error.status === 404) {
        history.replaceState(null, "", "/");
        this.open(null);
      }
      this.#screen.fail(error);
    }
  }

  // The first message has made the conversation: the address and the list learn of it.
  #welcomeNew(conversation, info) {
    this.#page.store.keep(info, { touched: true });
    if (conversation !== this.#conversation) return;
    history.replaceState(null, "", `/c/${info.id}`);
    this.#screen.rename(info.id);
  }

  // A tab that is seen again, a line that is back: everything catches up at once.
  #comeBack() {
    if (document.hidden) return;
    this.#conversation.wake();
    this.#views.transcript.refresh();
  }
}

function idInAddress() {
  return ADDRESS.exec(location.pathname)?.[1] ?? null;
}

/** What models need of the browser; tests give their own. */
function browserEnvironment(api) {
  return {
    setTimeout: (callback, ms) => setTimeout(callback, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    random: Math.random,
    isHidden: () => document.hidden,
    isOnline: () => navigator.onLine,
    now: () => api.now(),
    newKey,
  };
}

// randomUUID exists only on https and localhost; a key only has to be unlike any other.
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
