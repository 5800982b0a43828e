// The page: it owns the conversation in view and carries words between models and views. Views
// tell it what a person wants (events that bubble), models what has changed.

import { watchToggles } from "../lib/bootstrap.js";
import { isTouch } from "../lib/dom.js";
import { hear } from "../lib/events.js";
import { Announcer } from "../lib/announce.js";
import { Conversation } from "../models/conversation.js";
import { Drafts } from "../models/drafts.js";
import { Store } from "../models/store.js";
import { Composer } from "./composer.js";
import { Dialogs } from "./dialogs.js";
import { isQuiet } from "./job_words.js";
import { ModelPicker } from "./model_picker.js";
import { Notices } from "./notices.js";
import { Settings } from "./settings.js";
import { Sidebar } from "./sidebar.js";
import { Speaker } from "./speaker.js";
import { Topbar } from "./topbar.js";
import { Transcript } from "./transcript.js";

const ADDRESS = /^\/c\/([0-9a-f-]+)\/?$/;

export class App {
  #page;
  #api;
  #i18n;
  #store;
  #conversation;
  #speaker;
  // the model of a conversation that doesn't exist yet
  #newModel = null;

  constructor({ api, i18n }) {
    this.#api = api;
    this.#i18n = i18n;
    this.#store = new Store(api);
    const announcer = new Announcer(document.getElementById("status"));
    this.#page = {
      api,
      i18n,
      announcer,
      store: this.#store,
      drafts: new Drafts(localStorage),
      texts: { t: (key) => i18n.t(key), announce: (text) => announcer.say(text) },
      failed: (error) => this.#fail(error),
      focusComposer: () => this.composer.focus(),
    };
    this.#buildViews();
    this.#listen();
  }

  async start() {
    this.#open(idInAddress());
    if (!isTouch()) this.composer.focus();
    await Promise.all([
      this.#try(() => this.#store.loadModels()),
      this.#try(() => this.#store.loadConversations()),
    ]);
  }

  #buildViews() {
    const find = (id) => document.getElementById(id);
    const page = this.#page;
    this.sidebar = new Sidebar(find("sidebar"), page);
    this.topbar = new Topbar(find("topbar"), page);
    this.transcript = new Transcript(find("transcript"), find("jump"), page);
    this.composer = new Composer(find("composer"), page);
    this.picker = new ModelPicker(find("composer").querySelector("[data-models]"), page);
    this.notices = new Notices(find("notices"), page);
    this.dialogs = new Dialogs(page);
    this.#speaker = new Speaker(page);
    new Settings(document.querySelector("[data-settings]"));
  }

  #listen() {
    const root = document.body;
    hear(root, "send", ({ content }) => this.#send(content));
    hear(root, "edit", ({ content, parentId }) => this.#send(content, parentId));
    hear(root, "send-again", () => this.#conversation.sendAgain());
    hear(root, "take-back", () => this.composer.giveBack(this.#conversation.takeBack()));
    hear(root, "regenerate", ({ messageId }) => this.#regenerate(messageId));
    hear(root, "stop", () => this.#stop());
    hear(root, "model", ({ id }) => this.#chooseModel(id));
    hear(root, "open-conversation", ({ conversation }) => this.#go(conversation.id));
    hear(root, "rename-conversation", (detail) => this.#rename(detail));
    hear(root, "delete-conversation", ({ conversation }) => this.#delete(conversation));
    hear(root, "more-conversations", () => this.#try(() => this.#store.loadMore()));
    hear(root, "search", ({ query }) => this.#try(() => this.#store.loadConversations(query)));
    hear(root, "topbar-rename", () => this.topbar.startRenaming(this.#conversation.info));
    hear(root, "topbar-delete", () => this.#delete(this.#conversation.info));
    hear(root, "topbar-instructions", () => this.#writeInstructions());
    this.#store.addEventListener("models", () => this.#showModels());
    for (const link of document.querySelectorAll("[data-new]")) {
      link.addEventListener("click", (event) => this.#startNew(event));
    }
    watchToggles(root);
    document.addEventListener("keydown", (event) => this.#pressed(event));
    window.addEventListener("popstate", () => this.#followAddress());
    document.addEventListener("visibilitychange", () => this.#comeBack());
    for (const type of ["online", "pageshow"]) window.addEventListener(type, () => this.#comeBack());
  }

  // -- which conversation is in view

  #go(id) {
    this.sidebar.hide();
    if (id === this.#conversation.id && id !== null) return this.composer.focus();
    history.pushState(null, "", id === null ? "/" : `/c/${id}`);
    this.#open(id);
    this.composer.focus();
  }

  #followAddress() {
    const id = idInAddress();
    if (id !== this.#conversation.id) this.#open(id);
  }

  #startNew(event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.#go(null);
  }

  #open(id) {
    this.#conversation?.close();
    for (const matter of ["worker", "line", "failure"]) this.notices.clear(matter);
    this.#newModel = null;
    const conversation = new Conversation(id, {
      api: this.#api,
      drafts: this.#page.drafts,
      environment: browserEnvironment(this.#api),
    });
    this.#conversation = conversation;
    this.#listenTo(conversation);
    this.transcript.open(conversation);
    this.composer.open(id);
    this.sidebar.show(id);
    this.#showInfo();
    this.#showRunning();
    this.#load(conversation);
  }

  async #load(conversation) {
    try {
      await conversation.load();
    } catch (error) {
      if (conversation !== this.#conversation) return;
      if (error.status === 404) {
        history.replaceState(null, "", "/");
        this.#open(null);
      }
      this.#fail(error);
    }
  }

  #listenTo(conversation) {
    const on = (type, listener) => conversation.addEventListener(type, ({ detail }) => listener(detail));
    on("info", () => this.#showInfo());
    on("created", (info) => this.#welcomeNew(conversation, info));
    on("turns", () => this.#showTurns());
    on("reply", (messageId) => this.#showReply(messageId));
    on("accepted", () => this.#accepted());
    on("ended", (message) => this.#speaker.ended(message));
    on("trouble", () => this.notices.show("line", this.#i18n.t("ui.notice.line_lost")));
    on("recovered", () => this.notices.clear("line"));
    on("signed-out", () =>
      this.notices.show("line", this.#i18n.t("ui.notice.signed_out"), { kind: "failure" }),
    );
    on("failure", (error) => this.#fail(error));
  }

  // The first message has made the conversation: the address and the list learn of it.
  #welcomeNew(conversation, info) {
    const { id } = info;
    this.#store.keep(info, { touched: true });
    if (conversation !== this.#conversation) return;
    history.replaceState(null, "", `/c/${id}`);
    this.composer.rename(id);
    this.sidebar.show(id);
    this.#showInfo();
  }

  // -- what a person wants

  async #send(content, parentId = null) {
    this.notices.clear("failure");
    if (this.#conversation.pending) {
      // one at a time: the order of turns is the order of sending
      this.#page.announcer.say(this.#i18n.t("ui.composer.blocked"));
      this.composer.giveBack(content);
      return;
    }
    const sent = this.#conversation.send(content, { model: this.#model()?.id, parentId });
    this.transcript.toBottom();
    await sent;
  }

  async #regenerate(messageId) {
    await this.#conversation.regenerate(messageId, { model: this.#model()?.id });
    this.composer.focus();
  }

  async #stop() {
    const reply = this.#conversation.activeReply;
    if (!reply) return;
    this.#page.announcer.say(this.#i18n.t("ui.state.stopping"));
    await this.#conversation.stop(reply);
  }

  async #chooseModel(id) {
    this.composer.focus();
    if (this.#conversation.id === null) this.#newModel = id;
    else await this.#conversation.change({ model: id });
    this.#showModels();
  }

  async #rename({ conversation, title }) {
    if (conversation.id === this.#conversation.id) await this.#conversation.change({ title });
    else await this.#try(() => this.#store.rename(conversation.id, title));
  }

  async #delete(conversation) {
    const isSure = await this.dialogs.confirm({
      title: this.#i18n.t("ui.delete.title"),
      text: this.#i18n.t("ui.delete.text"),
      action: this.#i18n.t("ui.conversation.delete"),
    });
    if (!isSure) return;
    await this.#try(async () => {
      await this.#store.remove(conversation.id);
      this.#page.drafts.forget(conversation.id);
      this.#page.announcer.say(this.#i18n.t("ui.delete.done"));
      if (conversation.id === this.#conversation.id) this.#go(null);
    });
  }

  async #writeInstructions() {
    const conversation = this.#conversation;
    const text = await this.dialogs.write({
      title: this.#i18n.t("ui.instructions.title"),
      text: this.#i18n.t("ui.instructions.text"),
      value: conversation.info.system_prompt ?? "",
      action: this.#i18n.t("ui.save"),
    });
    if (text !== null) await conversation.change({ system_prompt: text });
  }

  // -- what is shown

  #showInfo() {
    const { info } = this.#conversation;
    this.topbar.show(info);
    if (info && this.#store.conversations.some(({ id }) => id === info.id)) this.#store.keep(info);
    this.#showModels();
  }

  #showModels() {
    this.picker.show(this.#store.models, this.#model());
    this.transcript.refresh();
  }

  #showTurns() {
    this.transcript.refresh();
    this.#showRunning();
  }

  #showReply(messageId) {
    this.transcript.refreshReply(messageId);
    const reply = this.#conversation.activeReply;
    const job = reply && this.#conversation.jobOf(reply);
    if (job) this.#speaker.follow(job);
    this.#showRunning();
  }

  #accepted() {
    const { info } = this.#conversation;
    this.#page.announcer.say(this.#i18n.t("ui.said.sent"));
    if (info) {
      const moved = { ...info, updated_at: new Date(this.#api.now()).toISOString() };
      this.#store.keep(moved, { touched: true });
    }
  }

  #showRunning() {
    const { activeReply, pending } = this.#conversation;
    const job = activeReply && this.#conversation.jobOf(activeReply);
    const notice = job && !isQuiet(job, this.#api.now()) ? job.queue?.notice : null;
    if (notice) this.notices.show("worker", notice);
    else this.notices.clear("worker");
    this.composer.show({ isRunning: activeReply !== null, isBlocked: pending !== null });
  }

  // A tab that is seen again, a line that is back: everything catches up at once.
  #comeBack() {
    if (document.hidden) return;
    this.#conversation.wake();
    this.transcript.refresh();
  }

  #pressed(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    // an open menu keeps its Esc to itself; a dialog or drawer is closing by it at this moment
    if (event.target.closest("[role=dialog]")) return;
    this.#stop();
  }

  #fail(error) {
    const reason = error.isNoAnswer
      ? this.#i18n.t("ui.error.no_answer")
      : error.sentence || this.#i18n.t("ui.error.unknown");
    this.notices.show("failure", reason, { kind: "failure", canClose: true });
  }

  async #try(action) {
    try {
      await action();
    } catch (error) {
      this.#fail(error);
    }
  }

  #model() {
    return this.#store.usableModel(this.#conversation.info?.model ?? this.#newModel);
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
