// The turns of a conversation as a page at a time brings them: the branch in view, oldest first,
// and what to ask for when older ones are wanted. The system prompt is no turn; it has its place
// elsewhere.

export class Branch {
  #api;
  #turns = [];
  #older = null;

  constructor(api) {
    this.#api = api;
  }

  get turns() {
    return this.#turns;
  }

  get hasOlder() {
    return this.#older !== null;
  }

  find(id) {
    return this.#turns.find((turn) => turn.id === id) ?? null;
  }

  /** The turns down to the one called `id`, and it; none when it isn't loaded. */
  upTo(id) {
    return this.#turns.slice(0, this.#turns.findIndex((turn) => turn.id === id) + 1);
  }

  /** A page of the branch; without a `cursor` its newest. `show` or `showOlder` puts it in view. */
  page(conversationId, cursor) {
    return this.#api.messages(conversationId, { cursor });
  }

  older(conversationId) {
    return this.page(conversationId, this.#older);
  }

  show(page) {
    this.#older = page.next;
    this.#turns = spoken(page.data);
  }

  showOlder(page) {
    this.#older = page.next;
    this.#turns = [...spoken(page.data), ...this.#turns];
  }

  /** Changes one turn; the others stay the same objects. */
  change(id, changes) {
    this.#turns = this.#turns.map((turn) => (turn.id === id ? { ...turn, ...changes } : turn));
  }

  /**
   * Puts a posted turn where it hangs: what came after its parent is another branch now. False
   * when its parent isn't known here: the branch has moved in another tab.
   */
  accept({ message, reply, job }) {
    const index = (wanted) => this.#turns.findIndex(({ id }) => id === wanted);
    const isFirst = message.turn_index === 1;
    const known = index(message.id);
    const end = known >= 0 ? known : index(message.parent_id) + 1;
    if (end === 0 && !isFirst) return false;
    if (isFirst) this.#older = null;
    this.#turns = [...this.#turns.slice(0, end), message, { ...reply, job_id: reply.job_id ?? job.id }];
    return true;
  }
}

function spoken(messages) {
  return messages.filter(({ role }) => role !== "system");
}
