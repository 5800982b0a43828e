// What a person has written and not yet sent, and what was sent and not yet confirmed, for each
// conversation. It outlives the tab. `null` stands for the conversation that doesn't exist yet.

import { Memory } from "./memory.js";
import { PendingMessage } from "./pending_message.js";

export class Drafts {
  #memory;

  /** `storage` is localStorage or anything like it. */
  constructor(storage) {
    this.#memory = new Memory(storage);
  }

  text(conversationId) {
    return this.#memory.read(`draft.${conversationId ?? "new"}`) ?? "";
  }

  keepText(conversationId, text) {
    this.#memory.write(`draft.${conversationId ?? "new"}`, text === "" ? null : text);
  }

  /** The files that wait beside the text; those that storage couldn't hold are lost with the tab. */
  files(conversationId) {
    return this.#memory.read(`files.${conversationId ?? "new"}`) ?? [];
  }

  keepFiles(conversationId, files) {
    this.#memory.write(`files.${conversationId ?? "new"}`, files.length === 0 ? null : files);
  }

  /** The PendingMessage whose 2xx was never seen, or null. */
  outgoing(conversationId) {
    const stored = this.#memory.read(`outgoing.${conversationId ?? "new"}`);
    return stored ? PendingMessage.fromJSON(stored) : null;
  }

  keepOutgoing(conversationId, pending) {
    this.#memory.write(`outgoing.${conversationId ?? "new"}`, pending);
  }

  /** The conversations with such a message; null is the one that it will create. */
  outgoingIds() {
    return this.#memory.namesAfter("outgoing.").map((id) => (id === "new" ? null : id));
  }

  forget(conversationId) {
    for (const kind of ["draft", "files", "outgoing"]) this.#memory.write(`${kind}.${conversationId}`, null);
  }
}
