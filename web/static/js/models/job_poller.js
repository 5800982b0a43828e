// Follows one job to its end by short polls. The server sets the pace; what has been read is kept
// as {job, cursor, text}. Stopping the poller never stops the job.

const HIDDEN_MS = 10_000;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;
const JITTER = 0.1;

const ENDED = new Set(["completed", "incomplete", "failed", "cancelled"]);

export function hasEnded(job) {
  return ENDED.has(job.status);
}

/**
 * What one poll makes of what was known. `faded` is the text of an attempt that was lost, to be
 * shown dimmed until the first text of the new attempt arrives; null when there is none.
 */
export function applyPoll(known, job) {
  const startsOver = known.cursor === null || job.reset;
  const text = startsOver ? job.text : known.text + job.text;
  const lost = startsOver ? known.text || known.faded : known.faded;
  return {
    job,
    cursor: job.cursor,
    text,
    faded: text === "" && lost && !hasEnded(job) ? lost : null,
  };
}

/** How long to wait after an answer: the server's pace, ±10 %, slower in a tab nobody looks at. */
export function paceMs(job, { random, isHidden }) {
  const pace = job.poll_after_ms * (1 + JITTER * (2 * random() - 1));
  return isHidden ? Math.max(pace, HIDDEN_MS) : pace;
}

/** How long to wait after the nth failure in a row: full jitter, never less than Retry-After. */
export function backoffMs(failures, retryAfterMs, random) {
  const ceiling = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures);
  return Math.max(retryAfterMs, random() * ceiling);
}

export class JobPoller {
  #id;
  #fetchJob;
  #listener;
  #environment;
  #known = { job: null, cursor: null, text: "", faded: null };
  #failures = 0;
  #timer = null;
  #isAsking = false;
  #isStopped = false;

  /**
   * `fetchJob(id, {cursor})` resolves to the job or rejects with an ApiError. The listener has
   * `changed(known)` at every answer, `ended(known)` once, `trouble(error)` at the first failure
   * in a row, `recovered()` after it, and `gone(error)` when the job can't be followed any more
   * (401, 404). The environment has `setTimeout`, `clearTimeout`, `random` and `isHidden`.
   */
  constructor(id, fetchJob, listener, environment) {
    this.#id = id;
    this.#fetchJob = fetchJob;
    this.#listener = listener;
    this.#environment = environment;
  }

  get id() {
    return this.#id;
  }

  get known() {
    return this.#known;
  }

  start() {
    this.#ask();
  }

  stop() {
    this.#isStopped = true;
    this.#environment.clearTimeout(this.#timer);
  }

  /** Asks now instead of at the appointed time: the tab is seen again, the line is back. */
  wake() {
    if (this.#isStopped || this.#isAsking) return;
    this.#environment.clearTimeout(this.#timer);
    this.#ask();
  }

  async #ask() {
    this.#isAsking = true;
    try {
      const job = await this.#fetchJob(this.#id, { cursor: this.#known.cursor });
      if (!this.#isStopped) this.#read(job);
    } catch (error) {
      if (!this.#isStopped) this.#fail(error);
    } finally {
      this.#isAsking = false;
    }
  }

  #read(job) {
    if (this.#failures > 0) this.#listener.recovered();
    this.#failures = 0;
    this.#known = applyPoll(this.#known, job);
    this.#listener.changed(this.#known);
    if (hasEnded(job)) {
      this.stop();
      this.#listener.ended(this.#known);
    } else {
      const { random, isHidden } = this.#environment;
      this.#wait(paceMs(job, { random, isHidden: isHidden() }));
    }
  }

  #fail(error) {
    if (error.status === 401 || error.status === 404) {
      this.stop();
      this.#listener.gone(error);
      return;
    }
    // a cursor that the server refuses is worth nothing: the whole text is one call away
    if (error.status === 400 || error.status === 422) this.#known = { ...this.#known, cursor: null };
    this.#failures += 1;
    if (this.#failures === 1) this.#listener.trouble(error);
    this.#wait(backoffMs(this.#failures, error.retryAfterMs ?? 0, this.#environment.random));
  }

  #wait(ms) {
    this.#timer = this.#environment.setTimeout(() => this.#ask(), ms);
  }
}
