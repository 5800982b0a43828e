// The conversation in view: its branch, the turn that is being sent, and the jobs that are being
// followed. What the server says after a reload is the truth; this only keeps up with it.
//
// Events: "info" (title, model), "created", "turns" (the branch has other turns), "reply" (a
// reply's text or job has changed; detail is its message id), "ended" (detail is the message),
// "trouble" and "recovered" (polls), "failure" (detail is an ApiError).

import { FollowedJobs } from "./followed_jobs.js";
import { hasEnded } from "./job_poller.js";
import { Sending } from "./sending.js";

// A reply that failed early has no window: the one before it is asked too, and no more.
const WINDOW_TRIES = 2;

export class Conversation extends EventTarget {
  #api;
  #environment;
  #sending;
  #turns = [];
  #older = null;
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
    return this.#turns;
  }

  /** The turn that the server hasn't confirmed yet, a PendingMessage, or null. */
  get pending() {
    return this.#sending.pending;
  }

  /** The turns that stand before the one being sent: an edit hides what it replaces. */
  get visibleTurns() {
    const parentId = this.pending?.body.parent_id;
    if (!parentId) return this.#turns;
    return this.#turns.slice(0, this.#turns.findIndex(({ id }) => id === parentId) + 1);
  }

  get hasOlder() {
    return this.#older !== null;
  }

  /** The newest job of the branch whose window is known: what the rail speaks of. */
  get windowJob() {
    return (
      this.#turns.map(({ job_id: id }) => this.#jobs.get(id)).findLast((job) => job?.context) ?? null
    );
  }

  /** The reply that Stop means: the one being written, else the first that waits; or null. */
  get activeReply() {
    const pending = this.#turns.filter(({ status }) => status === "pending");
    return (
      pending.find(({ job_id: id }) => this.#jobs.get(id)?.status === "in_progress") ??
      pending[0] ??
      null
    );
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
    const page = await this.#api.messages(this.id, { cursor: this.#older });
    if (this.#isClosed) return;
    this.#older = page.next;
    this.#turns = [...spoken(page.data), ...this.#turns];
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

  stop(turn) {
    return this.#attempt(async () => {
      this.#jobs.learn(await this.#api.cancelJob(turn.job_id));
      this.#emit("reply", turn.id);
      this.#jobs.wake(turn.job_id);
    });
  }

  /** Shows the branch that another sibling is on. */
  switchTo(messageId) {
    return this.#attempt(async () => {
      this.info = await this.#api.changeConversation(this.id, { head_message_id: messageId });
      await this.#loadBranch();
    });
  }

  change(changes) {
    return this.#attempt(async () => {
      this.info = await this.#api.changeConversation(this.id, changes);
      this.#emit("info");
    });
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
    const [info, page] = await Promise.all([
      this.#api.conversation(this.id),
      this.#api.messages(this.id),
    ]);
    if (this.#isClosed) return;
    this.info = info;
    this.#older = page.next;
    this.#turns = spoken(page.data);
    this.#emit("info");
    this.#emit("turns");
    this.#followPending();
    await this.#learnWindow();
  }

  #followPending() {
    this.#jobs.follow(this.#turns.filter(({ status, job_id: id }) => status === "pending" && id));
  }

  // What the model saw is in the job of the last reply that got as far; nobody polls that one.
  async #learnWindow() {
    const finished = this.#turns.filter(({ job_id: id, status }) => id && status !== "pending");
    for (const { job_id: id } of finished.slice(-WINDOW_TRIES).reverse()) {
      try {
        if (!this.#jobs.get(id)) this.#jobs.learn(await this.#api.job(id));
      } catch {
        return; // the rail stays unknown: nothing else depends on it
      }
      if (this.#isClosed) return;
      if (this.#jobs.get(id).context) return this.#emit("turns");
    }
  }

  #become(info) {
    this.id = info.id;
    this.info = info;
    // told even when another conversation is in view by now: the list wants it too
    this.dispatchEvent(new CustomEvent("created", { detail: info }));
  }

  // The new turns go where they hang: what came after their parent is another branch now.
  async #accept({ message, reply, job }) {
    const index = (wanted) => this.#turns.findIndex(({ id }) => id === wanted);
    const isFirst = message.turn_index === 1;
    const known = index(message.id);
    const end = known >= 0 ? known : index(message.parent_id) + 1;
    this.#jobs.learn(job);
    // the branch has moved in another tab: only the server knows what stands before this turn
    if (end === 0 && !isFirst) return this.#loadBranch();
    if (isFirst) this.#older = null;
    this.#turns = [...this.#turns.slice(0, end), message, { ...reply, job_id: reply.job_id ?? job.id }];
    this.#followPending();
    this.#emit("turns");
    this.#emit("accepted", reply);
  }

  #end(messageId, { job, text }) {
    const ended = { content: text, status: messageStatus(job), error: job.error, model: job.model };
    this.#turns = this.#turns.map((turn) => (turn.id === messageId ? { ...turn, ...ended } : turn));
    this.#emit("turns");
    const message = this.#turns.find(({ id }) => id === messageId);
    this.#emit("ended", message);
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

/** The turns that people see: the system prompt has its own place. */
function spoken(messages) {
  return messages.filter(({ role }) => role !== "system");
}

function messageStatus(job) {
  return job.status === "cancelled" ? "incomplete" : hasEnded(job) ? job.status : "pending";
}
