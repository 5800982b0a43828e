// A turn between "sent" and the server's 2xx. It keeps its Idempotency-Keys, so that sending it
// again, even after a reload, can't make a second turn of it.

export class PendingMessage {
  /**
   * `body` is exactly what is posted: the same key with another body is refused. What is said of
   * the conversation matters only while there is none yet.
   */
  constructor({ body, key, conversationBody = null, conversationKey = null, sentAt, isHeld = false }) {
    this.body = body;
    this.key = key;
    this.conversationBody = conversationBody;
    this.conversationKey = conversationKey;
    this.sentAt = sentAt;
    /** It waits for the line, and its person was told so. */
    this.isHeld = isHeld;
    this.error = null;
  }

  /** `settings` are those of the conversation to be created, or null when it exists. */
  static create({ content, model, parentId = null, isPinned = false, settings, newKey, now }) {
    const body = { content };
    if (model) body.model = model;
    if (parentId) body.parent_id = parentId;
    if (isPinned) body.in_window = "always";
    return new PendingMessage({
      body,
      key: newKey(),
      conversationBody: settings,
      conversationKey: settings && newKey(),
      sentAt: now,
    });
  }

  /** From storage; null when what is stored can't be one. */
  static fromJSON(stored) {
    if (typeof stored?.key !== "string" || typeof stored.body?.content !== "string") return null;
    return new PendingMessage(stored);
  }

  get content() {
    return this.body.content;
  }

  get hasFailed() {
    return this.error !== null;
  }

  fail(error) {
    this.error = error;
    this.isHeld = error.isNoAnswer && error.code !== "unconfirmed";
  }

  sendAgain() {
    this.error = null;
  }

  toJSON() {
    const { body, key, conversationBody, conversationKey, sentAt, isHeld } = this;
    return { body, key, conversationBody, conversationKey, sentAt, isHeld };
  }
}
