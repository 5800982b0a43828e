// Turns that wait for the line in conversations that aren't in view. Whoever wrote them offline has
// gone on, or has closed the tab since: they are sent all the same, each once.

import { Sending } from "./sending.js";

export class Outbox {
  #parts;
  #listener;
  #sending = new Map();

  /** The listener has `created(info)` and `accepted(job)`. */
  constructor({ api, drafts, environment }, listener) {
    this.#parts = { api, drafts, environment };
    this.#listener = listener;
  }

  /** Sends what waits, but for the conversation in view, which sends its own. */
  async flush(idInView) {
    if (!this.#parts.environment.isOnline()) return;
    const waiting = this.#parts.drafts
      .outgoingIds()
      .filter((id) => id !== idInView && !this.#sending.has(id));
    await Promise.all(waiting.map((id) => this.#send(id)));
  }

  async #send(id) {
    const sending = new Sending(id, this.#parts, {
      changed: () => {},
      created: (info) => this.#listener.created(info),
      accepted: ({ job }) => this.#listener.accepted(job),
    });
    this.#sending.set(id, sending);
    await sending.resume();
    this.#sending.delete(id);
  }
}
