// What a person has written and not yet sent, and what was sent and not yet confirmed, for each
// conversation. It outlives the tab. `null` stands for the conversation that doesn't exist yet.

import { PendingMessage } from "./pending_message.js";

export class Drafts {
  #storage;

  /** `storage` is localStorage or anything with its three methods. */
  constructor(storage) {
    this.#storage = storage;
  }

  text(conversationId) {
    return this.#read(`draft.${conversationId ?? "new"}`) ?? "";
  }

  keepText(conversationId, text) {
    this.#write(`draft.${conversationId ?? "new"}`, text === "" ? null : text);
  }

  /** The PendingMessage whose 2xx was never seen, or null. */
  outgoing(conversationId) {
    const stored = this.#read(`outgoing.${conversationId ?? "new"}`);
    return stored ? PendingMessage.fromJSON(stored) : null;
  }

  keepOutgoing(conversationId, pending) {
    this.#write(`outgoing.${conversationId ?? "new"}`, pending);
  }

  forget(conversationId) {
    this.#write(`draft.${conversationId}`, null);
    this.#write(`outgoing.${conversationId}`, null);
  }

  #read(name) {
    try {
      return JSON.parse(this.#storage.getItem(`epicode.${name}`));
    } catch {
      return null; // written by hand, or storage is shut off: there is no draft then
    }
  }

  #write(name, value) {
    try {
      if (value === null) this.#storage.removeItem(`epicode.${name}`);
      else this.#storage.setItem(`epicode.${name}`, JSON.stringify(value));
    } catch {
      // full or shut off: the page works on, the draft just doesn't outlive the tab
    }
  }
}
