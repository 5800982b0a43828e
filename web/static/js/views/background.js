// What goes on besides the conversation in view: the states of all the others, titles that arrive,
// turns that wait for the line; and catching up when a tab is seen again, a machine wakes, or the
// line is back.

import { Outbox } from "../models/outbox.js";
import { titleOf } from "./conversation_item.js";

const PULSE_MS = 10_000;
// A longer gap between two pulses is sleep; whoever was away longer sees everything anew.
const AWAY_MS = 30_000;

export class Background {
  #page;
  #views;
  #inView;
  #screen;
  #outbox;
  #lastPulse = Date.now();
  #hiddenAt = null;

  constructor(page, views, inView, screen) {
    this.#page = page;
    this.#views = views;
    this.#inView = inView;
    this.#screen = screen;
    this.#outbox = new Outbox(page, {
      created: (info) => page.store.keep(info),
      accepted: (job) => this.#accepted(job),
    });
    this.#listenToActivity();
    this.#listenToBrowser();
  }

  start() {
    const { activity, store } = this.#page;
    this.#showDevice();
    activity.start();
    this.#flush();
    this.#screen.attempt(() => store.finishRemovals());
  }

  #listenToActivity() {
    const { activity } = this.#page;
    const { topbar } = this.#views;
    const on = (type, listener) => activity.addEventListener(type, ({ detail }) => listener(detail));
    on("changed", () => topbar.showNews(activity.unseen));
    on("started", ({ conversationId }) => this.#started(conversationId));
    on("ended", (what) => this.#ended(what));
    on("lost", () => this.#screen.line.set("server", true));
    on("back", () => {
      this.#screen.line.set("server", false);
      this.#catchUp({ wasAway: true });
    });
  }

  #listenToBrowser() {
    document.addEventListener("visibilitychange", () => this.#showOrHide());
    window.addEventListener("pageshow", ({ persisted }) => persisted && this.#catchUp({ wasAway: true }));
    for (const type of ["online", "offline"]) window.addEventListener(type, () => this.#showDevice());
    window.addEventListener("online", () => this.#catchUp());
    window.addEventListener("storage", ({ key }) => {
      if (key?.endsWith(".activity")) this.#rememberAnew();
    });
    setInterval(() => this.#pulse(), PULSE_MS);
  }

  #accepted(job) {
    this.#page.activity.learn(job);
    this.#reread(job.conversation_id);
  }

  // Another tab or device has begun something: what is in view may have grown by it.
  #started(id) {
    const { store } = this.#page;
    const { conversation } = this.#inView;
    if (id === conversation.id) {
      if (!conversation.activeReply && !conversation.pending) this.#reread(id);
    } else if (!store.conversations.some((known) => known.id === id)) this.#reread(id);
  }

  async #ended({ conversationId, kind }) {
    const { activity, announcer, i18n } = this.#page;
    const info = await this.#reread(conversationId);
    const state = activity.stateOf(conversationId);
    if (!info || kind === "title" || (state !== "finished" && state !== "failed")) return;
    const title = titleOf(info, i18n);
    announcer.say(i18n.t(`ui.said.${state}_elsewhere`, { title }));
  }

  /** Asks about a conversation; resolves to it, or to null. */
  async #reread(id) {
    const { conversation } = this.#inView;
    try {
      if (id !== conversation.id) return await this.#page.store.reread(id);
      await conversation.refresh();
      return conversation.info;
    } catch (error) {
      if (error.status === 404) this.#page.activity.see(id);
      return null; // the next change asks again
    }
  }

  #rememberAnew() {
    this.#page.activity.reread();
    this.#see();
  }

  #showDevice() {
    this.#screen.line.set("device", !navigator.onLine);
  }

  #showOrHide() {
    if (document.hidden) {
      this.#hiddenAt = Date.now();
      return;
    }
    const wasAway = this.#hiddenAt !== null && Date.now() - this.#hiddenAt > AWAY_MS;
    this.#catchUp({ wasAway });
  }

  #pulse() {
    const gap = Date.now() - this.#lastPulse;
    this.#lastPulse = Date.now();
    if (gap > AWAY_MS && !document.hidden) this.#catchUp({ wasAway: true });
  }

  #catchUp({ wasAway = false } = {}) {
    if (document.hidden) return;
    const { activity, store } = this.#page;
    this.#see();
    activity.wake();
    this.#inView.catchUp({ wasAway });
    this.#flush();
    if (store.models.length === 0) this.#screen.attempt(() => store.loadModels());
    if (wasAway) this.#screen.attempt(() => store.loadConversations());
  }

  #see() {
    const { id } = this.#inView.conversation;
    if (id !== null && !document.hidden) this.#page.activity.see(id);
  }

  #flush() {
    this.#outbox.flush(this.#inView.conversation.id);
  }
}
