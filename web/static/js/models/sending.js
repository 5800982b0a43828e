// The one turn of a conversation that is on its way to the server. It is kept until the server has
// confirmed it: a passing failure is tried again, and without a line the turn waits for one, also
// over a reload. Its keys make every repetition harmless.

import { ApiError } from "../api_error.js";
import { PendingMessage } from "./pending_message.js";

const SEND_AGAIN_MS = [1000, 3000];
// Whoever is told to come back later than this, as when the day is spent, learns why at once.
const LONGEST_WAIT_MS = 10_000;
// A message found unconfirmed after a reload is sent again by itself only this long: its keys
// make that harmless, but a person may have forgotten an old one.
const STILL_MEANT_MS = 5 * 60_000;

export const UNCONFIRMED = "unconfirmed";
export const OFFLINE = "offline";

export class Sending {
  #id;
  #api;
  #drafts;
  #environment;
  #listener;
  #isClosed = false;
  pending = null;

  /**
   * `id` is null for a conversation that the turn will create. The listener has `changed()`,
   * `created(info)` and `accepted(answer)`; what it returns is waited for. The last two
   * are told even after `close()`: a list of conversations wants to know.
   */
  constructor(id, { api, drafts, environment }, listener) {
    this.#id = id;
    this.#api = api;
    this.#drafts = drafts;
    this.#environment = environment;
    this.#listener = listener;
  }

  /** Goes on with the turn that an earlier visit left; resolves when it was sent or has failed. */
  async resume() {
    const outgoing = this.#drafts.outgoing(this.#id);
    if (!outgoing || this.#isClosed) return;
    this.pending = outgoing;
    const age = this.#environment.now() - outgoing.sentAt;
    // who was told that it will be sent when the line is back counts on it
    const isMeant = outgoing.isHeld || age < STILL_MEANT_MS;
    if (!isMeant) outgoing.fail(new ApiError({ code: UNCONFIRMED }));
    this.#listener.changed();
    if (isMeant) await this.#send(outgoing);
  }

  /**
   * Sends a turn. With `parentId` it becomes a sibling of the turn that hangs there (an edit); with
   * `isPinned` the model always gets it; `settings` are those of a conversation to be created.
   */
  async send(content, { model, parentId = null, isPinned = false, settings = null }) {
    const { newKey, now } = this.#environment;
    this.pending = PendingMessage.create({
      content,
      model,
      parentId,
      isPinned,
      settings: this.#id === null ? { ...settings, ...(model && { model }) } : null,
      newKey,
      now: now(),
    });
    this.#drafts.keepOutgoing(this.#id, this.pending);
    this.#listener.changed();
    await this.#send(this.pending);
  }

  async sendAgain() {
    this.pending.sendAgain();
    this.#listener.changed();
    await this.#send(this.pending);
  }

  /** Gives up a turn that couldn't be sent, and returns its text. */
  takeBack() {
    const { content } = this.pending;
    this.#drafts.keepOutgoing(this.#id, null);
    this.pending = null;
    this.#listener.changed();
    return content;
  }

  /** The line may be back: what waits for one is sent. */
  wake() {
    if (this.pending?.hasFailed && this.pending.isHeld) this.sendAgain();
  }

  /** Shows nothing any more; a turn on its way still arrives. */
  close() {
    this.#isClosed = true;
  }

  async #send(pending) {
    for (let tries = 0; ; tries += 1) {
      try {
        if (!this.#environment.isOnline()) throw new ApiError({ code: OFFLINE });
        await this.#post(pending);
        return;
      } catch (error) {
        if (this.#isClosed || this.pending !== pending) return;
        const wait = error.code === OFFLINE ? undefined : SEND_AGAIN_MS[tries];
        const isFarOff = error.retryAfterMs > LONGEST_WAIT_MS;
        if (!error.isPassing || isFarOff || wait === undefined) {
          this.#fail(pending, error);
          return;
        }
        await new Promise((resolve) =>
          this.#environment.setTimeout(resolve, Math.max(wait, error.retryAfterMs ?? 0)),
        );
      }
    }
  }

  #fail(pending, error) {
    pending.fail(error);
    this.#drafts.keepOutgoing(this.#id, pending);
    this.#listener.changed();
  }

  async #post(pending) {
    if (this.#id === null) await this.#create(pending);
    const answer = await this.#api.postMessage(this.#id, pending.body, pending.key);
    this.#drafts.keepOutgoing(this.#id, null);
    this.pending = null;
    await this.#listener.accepted(answer);
  }

  async #create(pending) {
    const info = await this.#api.createConversation(pending.conversationBody, pending.conversationKey);
    // kept under its new name before the old one goes: a crash in between sends nothing twice
    this.#drafts.keepOutgoing(info.id, pending);
    this.#drafts.keepOutgoing(null, null);
    this.#id = info.id;
    this.#listener.created(info);
  }
}
