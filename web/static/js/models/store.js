// What the page knows that outlives the conversation in view: the list of conversations and the
// models. Emits "conversations" and "models" when they have changed.

const DELETING = "deleting";

export class Store extends EventTarget {
  #api;
  #memory;
  #conversations = [];
  #next = null;
  #isArchive = false;
  #asked = 0;
  #models = [];
  // deleted for whoever looks, but not yet at the server: that can still be undone
  #leaving = new Set();
  // deleted at the server: a list that was asked for before may still name it
  #gone = new Set();

  constructor(api, memory) {
    super();
    this.#api = api;
    this.#memory = memory;
  }

  get conversations() {
    return this.#conversations.filter(({ id }) => !this.#leaving.has(id) && !this.#gone.has(id));
  }

  get hasMore() {
    return this.#next !== null;
  }

  /** True while the list holds what was archived. */
  get isArchive() {
    return this.#isArchive;
  }

  get models() {
    return this.#models;
  }

  get defaultModel() {
    const available = this.#models.filter((model) => model.available);
    return available.find((model) => model.default) ?? available[0] ?? null;
  }

  /** What people call a model. */
  labelOf(id) {
    return this.#models.find((model) => model.id === id)?.label ?? id;
  }

  /** The model that `id` means now: a withdrawn or unknown one gives way to the default. */
  usableModel(id) {
    return this.#models.find((model) => model.id === id && model.available) ?? this.defaultModel;
  }

  async loadModels() {
    this.#models = (await this.#api.models()).data;
    this.#emit("models");
  }

  /** Loads the list anew: the conversations, or the archived ones. An older answer never wins. */
  async loadConversations({ archived = this.#isArchive } = {}) {
    this.#isArchive = archived;
    const asked = ++this.#asked;
    const page = await this.#api.conversations({ archived });
    if (asked === this.#asked) this.#show(page.data, page.next);
  }

  async loadMore() {
    const asked = this.#asked;
    const page = await this.#api.conversations({ archived: this.#isArchive, cursor: this.#next });
    if (asked !== this.#asked) return;
    const known = new Set(this.#conversations.map(({ id }) => id));
    const newer = page.data.filter(({ id }) => !known.has(id));
    this.#show([...this.#conversations, ...newer], page.next);
  }

  /** Takes in a conversation that was created or changed. */
  keep(conversation) {
    const rest = this.#conversations.filter(({ id }) => id !== conversation.id);
    const belongs = conversation.kind === "chat" && conversation.archived === this.#isArchive;
    this.#show(belongs ? [...rest, conversation].toSorted(inOrder) : rest, this.#next);
  }

  /** Asks about one conversation: its title may have come, it may have moved. Resolves to it. */
  async reread(id) {
    const conversation = await this.#api.conversation(id);
    this.keep(conversation);
    return conversation;
  }

  async change(id, changes) {
    const conversation = await this.#api.changeConversation(id, changes);
    this.keep(conversation);
    return conversation;
  }

  /** Takes a conversation out of sight; `bringBack` undoes it until `remove` makes it true. */
  putAway(id) {
    this.#leaving.add(id);
    this.#keepLeaving();
  }

  bringBack(id) {
    this.#leaving.delete(id);
    this.#keepLeaving();
  }

  async remove(id) {
    try {
      await this.#api.deleteConversation(id);
    } catch (error) {
      if (error.status !== 404) {
        this.bringBack(id);
        throw error;
      }
    }
    this.#gone.add(id);
    this.bringBack(id);
  }

  /** Deletes what was put away in a tab that was closed before it came to that. */
  async finishRemovals() {
    const left = this.#memory.read(DELETING) ?? [];
    for (const id of left) this.#leaving.add(id);
    for (const id of left) await this.remove(id);
  }

  #keepLeaving() {
    this.#memory.write(DELETING, this.#leaving.size === 0 ? null : [...this.#leaving]);
    this.#emit("conversations");
  }

  #show(conversations, next) {
    this.#conversations = conversations;
    this.#next = next;
    this.#emit("conversations");
  }

  #emit(type) {
    this.dispatchEvent(new Event(type));
  }
}

/** The server's order: pinned first, then by last change. */
function inOrder(one, other) {
  if (one.pinned !== other.pinned) return one.pinned ? -1 : 1;
  return one.updated_at < other.updated_at ? 1 : -1;
}
