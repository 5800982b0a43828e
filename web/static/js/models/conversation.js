// The conversation in view: its branch, the turn that is being sent, and the jobs that are being
// followed. What the server says after a reload is the truth; this only keeps up with it.
//
// Events: "info" (title, model), "created", "asked" (a reply was; detail is its job), "turns" (the
// branch has other turns), "reply" (a reply's text or job has changed; detail is its message id),
// "ended" (detail is the message), "trouble" and "recovered" (polls), "failure" (detail is an
// ApiError).

import { Branch } from "./branch.js";
import { Comparison } from "./comparison.js";
import { added } from "./context.js";
import { FollowedJobs } from "./followed_jobs.js";
import { hasEnded } from "./job_poller.js";
import { seenIn } from "./rail.js";
import { Sending } from "./sending.js";

export class Conversation extends EventTarget {
  #api;
  #environment;
  #sending;
  #branch;
  #comparison = null;
  #spent = null;
  #jobs;
  #isClosed = false;
  // new replies that were asked for: those on their way, and the keys of those without an answer
  #asking = new Set();
  #unconfirmed = new Map();

  /** `id` is null for a conversation that its first message will create. */
  constructor(id, { api, drafts, environment }) {
    super();
    this.id = id;
    this.info = null;
    this.#api = api;
    this.#environment = environment;
    this.#branch = new Branch(api);
    this.#sending = new Sending(
      id,
      { api, drafts, environment },
      {
        changed: () => this.#emit("turns"),
        created: (info) => this.#become(info),
        accepted: (answer) => this.#accept(answer),
      },
    );
    this.#jobs = new FollowedJobs(
      (job, options) => api.job(job, options),
      {
        changed: (messageId) => this.#emit("reply", messageId),
        ended: (messageId, known) => this.#end(messageId, known),
        gone: (error) => this.#lose(error),
        trouble: (error) => this.#emit("trouble", error),
        recovered: () => this.#emit("recovered"),
      },
      environment,
    );
  }

  get turns() {
    return this.#branch.turns;
  }

  /** The turn that the server hasn't confirmed yet, a PendingMessage, or null. */
  get pending() {
    return this.#sending.pending;
  }

  /** The turns that stand before what is shown last: an edit, or replies next to each other. */
  get visibleTurns() {
    const lastId = this.pending?.body.parent_id ?? this.comparison?.questionId;
    return lastId ? this.#branch.upTo(lastId) : this.turns;
  }

  get hasOlder() {
    return this.#branch.hasOlder;
  }

  /** The Comparison in view, or null. */
  get comparison() {
    return this.pending ? null : this.#comparison;
  }

  /** The newest turn of which it is known what the model saw: what the rail speaks of; or null. */
  get seen() {
    return seenIn(this.turns, (turn) => this.jobOf(turn));
  }

  /** What all of its replies took, as {input_tokens, output_tokens, cost}; null while unknown. */
  get spent() {
    return this.#spent;
  }

  /** The reply that Stop means: the one being written, else the first that waits; or null. */
  get activeReply() {
    const shown = [...(this.#comparison?.replies ?? []), ...this.turns];
    const pending = shown.filter(({ status }) => status === "pending");
    return pending.find((turn) => this.jobOf(turn)?.status === "in_progress") ?? pending[0] ?? null;
  }

  jobOf(turn) {
    return this.#jobs.get(turn.job_id);
  }

  /** {text, faded} of a reply that is being followed; null when its message has the last word. */
  liveTextOf(turn) {
    return this.#jobs.live(turn.job_id);
  }

  /** Loads the branch in view, and goes on with everything that isn't finished. */
  async load() {
    if (this.id !== null) await this.#loadBranch();
    // not waited for: the branch is there to be read meanwhile
    this.#sending.resume();
  }

  async loadOlder() {
    const page = await this.#branch.older(this.id);
    if (this.#isClosed) return;
    this.#branch.showOlder(page);
    this.#emit("turns");
  }

  /** Posts a turn; the options are those of `Sending.send`. */
  send(content, options) {
    return this.#sending.send(content, options);
  }

  sendAgain() {
    return this.#sending.sendAgain();
  }

  /** Gives up a turn that couldn't be sent, and returns its text. */
  takeBack() {
    return this.#sending.takeBack();
  }

  /** Takes back a turn whose reply hasn't been started; resolves to its text, or to null. */
  async takeBackTurn(turn) {
    let text = null;
    await this.#attempt(async () => {
      await this.#api.deleteMessage(turn.id);
      text = turn.content;
      await this.#loadBranch();
    });
    return text;
  }

  /**
   * A new reply to a turn that was already said: a sibling of the ones it has. Asked for twice
   * before the server has confirmed it, it is still one.
   */
  async regenerate(messageId, { model }) {
    const wish = `${messageId} ${model ?? ""}`;
    if (this.#asking.has(wish)) return;
    const key = this.#unconfirmed.get(wish) ?? this.#environment.newKey();
    this.#unconfirmed.set(wish, key);
    this.#asking.add(wish);
    await this.#attempt(async () => {
      const answer = await this.#api.postReply(messageId, model ? { model } : {}, key);
      this.#unconfirmed.delete(wish);
      await this.#accept(answer);
    });
    this.#asking.delete(wish);
  }

  /** Stops a reply; of replies next to each other, all. */
  stop(turn) {
    const meant = this.#comparison?.has(turn.id) ? this.#comparison.pending : [turn];
    return this.#attempt(() => Promise.all(meant.map((each) => this.#cancel(each))));
  }

  /** Shows the branch that another message is on. */
  switchTo(messageId) {
    return this.#attempt(async () => {
      const info = await this.#api.changeConversation(this.id, { head_message_id: messageId });
      this.#comparison = null;
      this.info = info;
      await this.#loadBranch();
    });
  }

  /**
   * Asks `models` for one more reply each to a question, and shows the replies next to each other.
   * Without models, those that are there.
   */
  async compare(questionId, models = []) {
    const inViewId = this.turns.find(({ parent_id: id }) => id === questionId)?.id;
    for (const model of models) await this.regenerate(questionId, { model });
    await this.#attempt(async () => {
      const { data } = await this.#api.replies(questionId);
      if (this.#isClosed || data.length < 2) return;
      this.#comparison = new Comparison(questionId, data, inViewId);
      this.#followPending();
      this.#emit("turns");
    });
  }

  /** Ends the comparison without a choice: the branch in view stays. */
  stopComparing() {
    this.#comparison = null;
    return this.#attempt(() => this.#loadBranch());
  }

  /** Marks messages: "always" sent, "never", or "auto". */
  mark(messageIds, mark) {
    return this.#attempt(async () => {
      for (const id of messageIds) {
        const { in_window } = await this.#api.changeMessage(id, { in_window: mark });
        this.#branch.change(id, { in_window });
      }
      this.#emit("turns");
    });
  }

  change(changes) {
    return this.#attempt(async () => {
      this.info = await this.#api.changeConversation(this.id, changes);
      this.#emit("info");
    });
  }

  /** Learns what other tabs and devices have done meanwhile, and a title that has come. */
  async refresh() {
    if (this.info === null) return;
    const info = await this.#api.conversation(this.id);
    if (this.#isClosed) return;
    const hasMoved = info.head_message_id !== (this.turns.at(-1)?.id ?? null);
    this.info = info;
    this.#emit("info");
    if (hasMoved && !this.pending && !this.activeReply && !this.#comparison) await this.#loadBranch();
  }

  /** Asks about every job now. */
  wake() {
    this.#jobs.wake();
    this.#sending.wake();
  }

  /** Follows nothing any more; the jobs go on at the server. */
  close() {
    this.#isClosed = true;
    this.#sending.close();
    this.#jobs.close();
  }

  async #loadBranch() {
    const [info, page] = await Promise.all([this.#api.conversation(this.id), this.#branch.page(this.id)]);
    if (this.#isClosed) return;
    this.info = info;
    this.#spent = info.usage ?? null;
    this.#branch.show(page);
    this.#emit("info");
    this.#emit("turns");
    this.#followPending();
  }

  #followPending() {
    const shown = [...this.turns, ...(this.#comparison?.replies ?? [])];
    this.#jobs.follow(shown.filter(({ status, job_id: id }) => status === "pending" && id));
  }

  async #cancel(turn) {
    this.#jobs.learn(await this.#api.cancelJob(turn.job_id));
    this.#emit("reply", turn.id);
    this.#jobs.wake(turn.job_id);
  }

  #become(info) {
    this.id = info.id;
    this.info = info;
    // told even when another conversation is in view by now, too: it is new to the list
    this.dispatchEvent(new CustomEvent("created", { detail: info }));
  }

  async #accept(answer) {
    // told even when another conversation is in view by now: the list says what is being answered
    this.dispatchEvent(new CustomEvent("asked", { detail: answer.job }));
    if (this.#isClosed) return;
    this.#jobs.learn(answer.job);
    this.#comparison = null;
    if (this.#branch.accept(answer)) {
      this.#followPending();
      this.#emit("turns");
    } else {
      // the branch has moved in another tab: only the server knows what stands before this turn
      await this.#loadBranch();
    }
    this.#emit("accepted", answer.reply);
  }

  #end(messageId, { job, text }) {
    const ended = {
      content: text,
      status: messageStatus(job),
      error: job.error,
      model: job.model,
      usage: job.usage,
      context: job.context,
    };
    for (const place of [this.#branch, this.#comparison]) place?.change(messageId, ended);
    this.#spent = added(this.#spent, job.usage);
    this.#emit("turns");
    this.#emit("ended", this.#branch.find(messageId) ?? this.#comparison?.find(messageId));
  }

  #lose(error) {
    // signed out: the page begins anew once somebody is in again
    if (error.status !== 401) this.#attempt(() => this.#loadBranch());
  }

  async #attempt(action) {
    try {
      await action();
    } catch (error) {
      if (!this.#isClosed) this.#emit("failure", error);
    }
  }

  #emit(type, detail = null) {
    if (!this.#isClosed) this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function messageStatus(job) {
  return job.status === "cancelled" ? "incomplete" : hasEnded(job) ? job.status : "pending";
}
