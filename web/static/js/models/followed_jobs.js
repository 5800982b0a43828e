// The jobs of the conversation in view: what is known of each, and a poller for each that runs.
// Trouble with the line is one matter, however many jobs are followed.

import { JobPoller } from "./job_poller.js";

export class FollowedJobs {
  #fetchJob;
  #environment;
  #listener;
  #jobs = new Map();
  #pollers = new Map();
  #troubled = new Set();
  #gone = new Set();

  /**
   * The listener has `changed(messageId)`, `ended(messageId, {job, text})`, `gone(error)`,
   * `trouble(error)` and `recovered()`.
   */
  constructor(fetchJob, listener, environment) {
    this.#fetchJob = fetchJob;
    this.#listener = listener;
    this.#environment = environment;
  }

  /** The job as last heard of, or null. */
  get(id) {
    return this.#jobs.get(id) ?? null;
  }

  learn(job) {
    this.#jobs.set(job.id, job);
  }

  /** {job, text, faded} of a job that is being followed, or null. */
  live(id) {
    return this.#pollers.get(id)?.known ?? null;
  }

  /** Follows the jobs of these pending replies, and no others. */
  follow(replies) {
    const wanted = new Set(replies.map(({ job_id: id }) => id));
    for (const id of [...this.#pollers.keys()]) if (!wanted.has(id)) this.#drop(id);
    for (const reply of replies) {
      // a job that was lost once would be lost again at once, for ever
      if (this.#pollers.has(reply.job_id) || this.#gone.has(reply.job_id)) continue;
      this.#start(reply);
    }
  }

  /** Asks about every job now, or about one. */
  wake(id) {
    for (const poller of this.#pollers.values()) if (!id || poller.id === id) poller.wake();
  }

  close() {
    for (const id of [...this.#pollers.keys()]) this.#drop(id);
  }

  #start({ id: messageId, job_id: id }) {
    const poller = new JobPoller(
      id,
      this.#fetchJob,
      {
        changed: ({ job }) => {
          this.learn(job);
          this.#listener.changed(messageId);
        },
        ended: (known) => {
          this.#drop(id);
          this.#listener.ended(messageId, known);
          this.wake(); // the turn that waited for this one starts now
        },
        trouble: (error) => this.#notice(id, error),
        recovered: () => this.#settle(id),
        gone: (error) => {
          this.#gone.add(id);
          this.#drop(id);
          this.#listener.gone(error);
        },
      },
      this.#environment,
    );
    this.#pollers.set(id, poller);
    poller.start();
  }

  #drop(id) {
    this.#pollers.get(id)?.stop();
    this.#pollers.delete(id);
    this.#settle(id);
  }

  #notice(id, error) {
    this.#troubled.add(id);
    if (this.#troubled.size === 1) this.#listener.trouble(error);
  }

  #settle(id) {
    if (this.#troubled.delete(id) && this.#troubled.size === 0) this.#listener.recovered();
  }
}
