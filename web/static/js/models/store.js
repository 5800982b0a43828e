// What the page knows that outlives the conversation in view: the list of conversations and the
// models. Emits "conversations" and "models" when they have changed.

export class Store extends EventTarget {
  #api;
  #conversations = [];
  #next = null;
  #query = "";
  #asked = 0;
  #models = [];

  constructor(api) {
    super();
    this.#api = api;
  }

  get conversations() {
    return this.#conversations;
  }

  get hasMore() {
    return this.#next !== null;
  }

  get query() {
    return this.#query;
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

  /** Loads the list anew, all of it or what a search finds. An older answer never wins. */
  async loadConversations(query = this.#query) {
    this.#query = query;
    const asked = ++this.#asked;
    const page = await this.#api.conversations({ q: query });
    if (asked !== this.#asked) return;
    this.#show(page.data, page.next);
  }

  async loadMore() {
    const asked = this.#asked;
    const page = await this.#api.conversations({ q: this.#query, cursor: this.#next });
    if (asked !== this.#asked) return;
    const known = new Set(this.#conversations.map(({ id }) => id));
    const newer = page.data.filter(({ id }) => !known.has(id));
    this.#show([...this.#conversations, ...newer], page.next);
  }

  /** Takes in a conversation that was created or changed; a touched one moves to the top. */
  keep(conversation, { touched = false } = {}) {
    const index = this.#conversations.findIndex(({ id }) => id === conversation.id);
    const rest = this.#conversations.filter(({ id }) => id !== conversation.id);
    if (index < 0 || touched) rest.unshift(conversation);
    else rest.splice(index, 0, conversation);
    this.#show(rest, this.#next);
  }

  async rename(id, title) {
    this.keep(await this.#api.changeConversation(id, { title }));
  }

  async remove(id) {
    await this.#api.deleteConversation(id);
    this.#show(
      this.#conversations.filter((conversation) => conversation.id !== id),
      this.#next,
    );
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
