// A turn between "sent" and the server's 2xx. It keeps its Idempotency-Keys, so that sending it
// again, even after a reload, can't make a second turn of it.

export class PendingMessage {
  /**
   * `body` is exactly what is posted: the same key with another body is refused. What is said of
   * the conversation matters only while there is none yet.
   */
  constructor({ body, key, conversationBody = null, conversationKey = null, sentAt }) {
    this.body = body;
    this.key = key;
    this.conversationBody = conversationBody;
    this.conversationKey = conversationKey;
    this.sentAt = sentAt;
    this.error = null;
  }

  static create({ content, model, parentId = null, isNewConversation, newKey, now }) {
    const body = { content };
    if (model) body.model = model;
    if (parentId) body.parent_id = parentId;
    return new PendingMessage({
      body,
      key: newKey(),
      conversationBody: isNewConversation ? (model ? { model } : {}) : null,
      conversationKey: isNewConversation ? newKey() : null,
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
  }

  sendAgain() {
    this.error = null;
  }

  toJSON() {
    const { body, key, conversationBody, conversationKey, sentAt } = this;
    return { body, key, conversationBody, conversationKey, sentAt };
  }
}
