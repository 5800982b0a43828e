// What goes on in all conversations, from one cheap call: which are being answered, which wait, and
// which were answered or failed while nobody looked. The call is also how the page knows that the
// line is down or back.
//
// Events: "changed" (states), "started" and "ended" (detail: {conversationId, kind}: something of
// that conversation runs now, or doesn't any more), "lost" and "back" (the line).

import { backoffMs } from "./job_poller.js";

const BUSY_MS = 3000;
const IDLE_MS = 20_000;
const HIDDEN_BUSY_MS = 20_000;
const KEPT = "activity";

export class Activity extends EventTarget {
  #api;
  #memory;
  #environment;
  #isLookedAt;
  #etag = null;
  // job id → {conversationId, kind, status}
  #running = new Map();
  // conversation id → "finished" | "failed"
  #unseen = new Map();
  #failures = 0;
  #isLost = false;
  #isAsking = false;
  #isWanted = false;
  #timer = null;

  /**
   * `memory` has `read(name)` and `write(name, value)` and outlives the tab, so that what ended
   * with the browser closed is told too. `isLookedAt(id)` says whether a person sees that
   * conversation at this moment.
   */
  constructor({ api, memory, environment, isLookedAt }) {
    super();
    this.#api = api;
    this.#memory = memory;
    this.#environment = environment;
    this.#isLookedAt = isLookedAt;
    this.#remember();
  }

  start() {
    this.#ask();
  }

  /** Asks now: something was sent, has ended, or the tab is seen again. */
  wake() {
    if (this.#isAsking) this.#isWanted = true;
    else this.#ask();
  }

  /** A job that was just accepted: it is told of even if the tab is closed before the next call. */
  learn({ id, kind, status, conversation_id: conversationId }) {
    this.#running.set(id, { conversationId, kind, status });
    this.#etag = null;
    this.#changed();
    this.wake();
  }

  /** "writing", "waiting", "finished", "failed" (both: and nobody has seen it), or null. */
  stateOf(conversationId) {
    const replies = [...this.#running.values()].filter(
      (job) => job.conversationId === conversationId && job.kind !== "title",
    );
    if (replies.some(({ status }) => status === "in_progress")) return "writing";
    if (replies.length > 0) return "waiting";
    return this.#unseen.get(conversationId) ?? null;
  }

  /** How many conversations have something that nobody has seen. */
  get unseen() {
    return this.#unseen.size;
  }

  /** A person looks at this conversation. */
  see(conversationId) {
    if (this.#unseen.delete(conversationId)) this.#changed();
  }

  /** Another tab has written the memory. */
  reread() {
    this.#remember();
    this.#etag = null;
    this.#emit("changed");
  }

  async #ask() {
    this.#environment.clearTimeout(this.#timer);
    this.#isAsking = true;
    this.#isWanted = false;
    const known = [...this.#running.keys()];
    try {
      const { data, etag } = await this.#api.activeJobs(this.#etag);
      this.#succeed();
      const told = data ? await this.#read(data, known) : known.length;
      // whatever was learned meanwhile isn't in this answer: the same answer again would hide its end
      this.#etag = this.#running.size === told ? etag : null;
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isAsking = false;
    }
    if (this.#isWanted) this.#ask();
    else this.#wait();
  }

  // Only what was known when the server was asked can have ended by its answer. Resolves to how many
  // jobs run by it.
  async #read(jobs, known) {
    const running = new Map(
      jobs
        // a question without a conversation is another program's business
        .filter(({ kind }) => kind !== "ask")
        .map(({ id, kind, status, conversation_id: conversationId }) => [
          id,
          { conversationId, kind, status },
        ]),
    );
    const started = [...running].filter(([id]) => !this.#running.has(id));
    for (const [id, job] of running) this.#running.set(id, job);
    for (const [, job] of started) this.#emit("started", job);
    for (const id of known) if (!running.has(id)) await this.#end(id);
    this.#changed();
    return running.size;
  }

  async #end(id) {
    const { conversationId, kind } = this.#running.get(id);
    const isTold = kind !== "title" && !this.#isLookedAt(conversationId);
    const status = isTold ? await this.#statusOf(id) : null;
    this.#running.delete(id);
    if (status === "failed") this.#unseen.set(conversationId, "failed");
    else if (status === "completed" || status === "incomplete")
      this.#unseen.set(conversationId, "finished");
    this.#emit("ended", { conversationId, kind });
  }

  // Deleted since, or cancelled by the person themselves: nothing to tell.
  async #statusOf(jobId) {
    try {
      return (await this.#api.job(jobId)).status;
    } catch (error) {
      if (error.status === 404) return null;
      throw error; // asked again with the next call: until then it counts as running
    }
  }

  #succeed() {
    this.#failures = 0;
    if (!this.#isLost) return;
    this.#isLost = false;
    this.#emit("back");
  }

  #fail(error) {
    this.#failures += 1;
    this.#etag = null;
    if (error.isNoAnswer && !this.#isLost) {
      this.#isLost = true;
      this.#emit("lost");
    }
  }

  // A tab that nobody looks at asks only while it has something to tell by its title.
  #wait() {
    const { isHidden, random, setTimeout } = this.#environment;
    const isBusy = this.#running.size > 0;
    if (isHidden() && !isBusy) return;
    let ms = isHidden() ? HIDDEN_BUSY_MS : isBusy ? BUSY_MS : IDLE_MS;
    if (this.#failures > 0) ms = backoffMs(this.#failures + 2, isHidden() ? ms : 1000, random);
    this.#timer = setTimeout(() => this.#ask(), ms);
  }

  #remember() {
    const { running = {}, unseen = {} } = this.#memory.read(KEPT) ?? {};
    this.#unseen = new Map(Object.entries(unseen));
    if (this.#running.size === 0) this.#running = new Map(Object.entries(running));
  }

  #changed() {
    this.#memory.write(KEPT, {
      running: Object.fromEntries(this.#running),
      unseen: Object.fromEntries(this.#unseen),
    });
    this.#emit("changed");
  }

  #emit(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
