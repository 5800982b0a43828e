// Which conversation is in view. The address says it, and whoever changes it goes through here.

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

  /**
   * Goes over to a conversation as a person does: with an address to come back to. With `messageId`
   * that turn is shown.
   */
  async go(id, { messageId = null } = {}) {
    this.#views.sidebar.hide();
    if (id !== this.#conversation.id || id === null) {
      history.pushState(null, "", id === null ? "/" : `/c/${id}`);
      const loading = this.open(id);
      this.#views.composer.focus();
      await loading;
    } else this.#views.composer.focus();
    if (messageId && this.#conversation.id === id) await this.#views.transcript.goTo(messageId);
  }

  /**
   * Shows a conversation; null is the one that its first message will create. Resolves when it is
   * loaded, or has failed to.
   */
  open(id) {
    this.#conversation?.close();
    const conversation = new Conversation(id, {
      api: this.#page.api,
      drafts: this.#page.drafts,
      environment: this.#page.environment,
    });
    this.#conversation = conversation;
    conversation.addEventListener("created", ({ detail }) => this.#welcomeNew(conversation, detail));
    conversation.addEventListener("asked", ({ detail: job }) => this.#page.activity.learn(job));
    this.#screen.open(conversation);
    if (id !== null && !document.hidden) this.#page.activity.see(id);
    return this.#load(conversation);
  }

  /** Nobody looked, or there was no line: what is shown may be old, or was never loaded. */
  catchUp({ wasAway }) {
    const conversation = this.#conversation;
    if (conversation.id !== null && conversation.info === null) this.#load(conversation);
    else if (wasAway) conversation.refresh().catch((error) => this.#screen.fail(error));
    conversation.wake();
    this.#views.transcript.refresh();
  }

  #listen() {
    hear(document.body, "open-conversation", ({ conversation }) => this.go(conversation.id));
    for (const link of document.querySelectorAll("[data-new]")) {
      link.addEventListener("click", (event) => this.#startNew(event));
    }
    window.addEventListener("popstate", () => this.#followAddress());
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
    this.#page.store.keep(info);
    if (conversation !== this.#conversation) return;
    history.replaceState(null, "", `/c/${info.id}`);
    this.#screen.rename(info.id);
  }
}

function idInAddress() {
  return ADDRESS.exec(location.pathname)?.[1] ?? null;
}
