// A list that the server keeps: loaded, grown page by page, and changed item by item as the
// answers come. Emits "change".

export class Listing extends EventTarget {
  #fetchPage;
  #items = [];
  #next = null;
  #asked = 0;
  #isGrown = false;

  /** `fetchPage({cursor})` resolves to {data, next}. */
  constructor(fetchPage) {
    super();
    this.#fetchPage = fetchPage;
  }

  get items() {
    return this.#items;
  }

  get hasMore() {
    return this.#next !== null;
  }

  /** Loads the first page anew. An older answer never wins. */
  async load() {
    const asked = ++this.#asked;
    const page = await this.#fetchPage({});
    if (asked !== this.#asked) return;
    this.#isGrown = false;
    this.#set(page.data, page.next ?? null);
  }

  /** Brings the first page up to date; whoever has gone further down keeps what he looks at. */
  async refresh() {
    if (!this.#isGrown) await this.load();
  }

  async loadMore() {
    const asked = this.#asked;
    const page = await this.#fetchPage({ cursor: this.#next });
    if (asked !== this.#asked) return;
    this.#isGrown = true;
    const known = new Set(this.#items.map(({ id }) => id));
    this.#set([...this.#items, ...page.data.filter(({ id }) => !known.has(id))], page.next ?? null);
  }

  /** Puts an item first, which may have been listed already. */
  add(item) {
    this.#set([item, ...this.#items.filter(({ id }) => id !== item.id)], this.#next);
  }

  /** Takes in an item as the server now has it. */
  replace(item) {
    this.#set(
      this.#items.map((known) => (known.id === item.id ? { ...known, ...item } : known)),
      this.#next,
    );
  }

  remove(id) {
    this.#set(
      this.#items.filter((item) => item.id !== id),
      this.#next,
    );
  }

  #set(items, next) {
    this.#items = items;
    this.#next = next;
    this.dispatchEvent(new Event("change"));
  }
}
