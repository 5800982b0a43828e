// What is shown: it hears what has changed in the conversation in view and tells the views.

import { isQuiet } from "./job_words.js";
import { LineNotice } from "./line_notice.js";

export class Screen {
  #page;
  #views;
  #conversation = null;
  // what is set for a conversation that doesn't exist yet: {model, system_prompt, params}
  #newSettings = {};
  #state = null;

  constructor(page, views) {
    this.#page = page;
    this.#views = views;
    this.line = new LineNotice(page, views.notices);
    page.store.addEventListener("models", () => this.#showModels());
  }

  /** Shows another conversation in all of the views. */
  open(conversation) {
    for (const matter of ["worker", "failure"]) this.#views.notices.clear(matter);
    this.line.set("reply", false);
    this.#newSettings = {};
    this.#conversation = conversation;
    this.#listenTo(conversation);
    this.#views.transcript.open(conversation);
    this.#views.reading.open(conversation);
    this.#views.composer.open(conversation.id);
    this.#views.sidebar.show(conversation.id);
    this.#showInfo();
    this.#showRunning();
  }

  /** The new conversation in view has got its id. */
  rename(id) {
    this.#views.composer.rename(id);
    this.#views.sidebar.show(id);
    this.#showInfo();
  }

  /** The model that the next turn goes to, or null while none is known. */
  get model() {
    return this.#page.store.usableModel(this.settings.model);
  }

  /** {model, system_prompt, params} of the conversation in view. */
  get settings() {
    return this.#conversation.info ?? this.#newSettings;
  }

  /** What a new conversation is to be created with. */
  get newSettings() {
    return this.#newSettings;
  }

  /** A conversation that doesn't exist yet can't keep its settings: the page does. */
  async changeSettings(changes) {
    if (this.#conversation.id === null) this.#newSettings = { ...this.#newSettings, ...changes };
    else await this.#conversation.change(changes);
    this.#showModels();
  }

  /** The state of the conversation in view; undefined for any other. */
  stateOf(id) {
    return id === this.#conversation?.id ? this.#state : undefined;
  }

  fail(error) {
    if (error.code === "unauthorized") return; // signed_out.js says it, with the way back in
    const { i18n } = this.#page;
    if (error.isNoAnswer) {
      this.#page.activity.wake();
      if (this.line.isDown) return; // said already
    }
    const reason = error.isNoAnswer
      ? i18n.t("ui.error.no_answer")
      : error.sentence || i18n.t("ui.error.unknown");
    this.#views.notices.show("failure", reason, { kind: "failure", canClose: true });
  }

  /** Runs `action`; what it throws is shown. */
  async attempt(action) {
    try {
      await action();
    } catch (error) {
      this.fail(error);
    }
  }

  #listenTo(conversation) {
    const on = (type, listener) => conversation.addEventListener(type, ({ detail }) => listener(detail));
    const { speaker } = this.#views;
    on("info", () => this.#showInfo());
    on("turns", () => this.#showTurns());
    on("reply", (messageId) => this.#showReply(messageId));
    on("accepted", () => this.#accepted());
    on("ended", (message) => {
      speaker.ended(message);
      this.#page.activity.wake();
    });
    on("trouble", () => this.line.set("reply", true));
    on("recovered", () => this.line.set("reply", false));
    on("failure", (error) => this.fail(error));
  }

  #showInfo() {
    const { info } = this.#conversation;
    const { store } = this.#page;
    this.#views.topbar.show(info);
    if (info) store.keep(info);
    this.#showModels();
  }

  #showModels() {
    this.#views.picker.show(this.#page.store.models, this.model);
    this.#views.transcript.refresh();
  }

  #showTurns() {
    this.#views.transcript.refresh();
    this.#showRunning();
  }

  #showReply(messageId) {
    this.#views.transcript.refreshReply(messageId);
    const reply = this.#conversation.activeReply;
    const job = reply && this.#conversation.jobOf(reply);
    if (job) this.#views.speaker.follow(job);
    this.#showRunning();
  }

  #accepted() {
    const { info } = this.#conversation;
    const { announcer, api, i18n, store } = this.#page;
    announcer.say(i18n.t("ui.said.sent"));
    if (info) store.keep({ ...info, updated_at: new Date(api.now()).toISOString() });
  }

  #showRunning() {
    const { activeReply, pending } = this.#conversation;
    const job = activeReply && this.#conversation.jobOf(activeReply);
    const notice = job && !isQuiet(job, this.#page.api.now()) ? job.queue?.notice : null;
    if (notice) this.#views.notices.show("worker", notice);
    else this.#views.notices.clear("worker");
    this.#views.composer.show({ isRunning: activeReply !== null, isBlocked: pending !== null });
    this.#showState(activeReply && (job?.status === "in_progress" ? "writing" : "waiting"));
  }

  #showState(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#views.sidebar.refresh();
  }
}
