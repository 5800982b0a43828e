// The replies to one question, next to each other, until one is chosen to go on with. A fourth
// would be too narrow to read: of more, the newest and the one in view are shown.

export const MOST_COMPARED = 3;

export class Comparison {
  #replies;

  constructor(questionId, replies, inViewId = null) {
    this.questionId = questionId;
    this.#replies = chosen(replies, inViewId);
  }

  get replies() {
    return this.#replies;
  }

  get pending() {
    return this.#replies.filter(({ status }) => status === "pending");
  }

  has(id) {
    return this.#replies.some((reply) => reply.id === id);
  }

  find(id) {
    return this.#replies.find((reply) => reply.id === id) ?? null;
  }

  change(id, changes) {
    this.#replies = this.#replies.map((reply) => (reply.id === id ? { ...reply, ...changes } : reply));
  }
}

function chosen(replies, inViewId) {
  const newest = replies.slice(-MOST_COMPARED);
  const inView = replies.find(({ id }) => id === inViewId);
  if (!inView || newest.includes(inView)) return newest;
  return [inView, ...newest.slice(1)];
}
