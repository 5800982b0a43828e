// Words looked for in all conversations. An older answer never wins. Emits "changed".

export class Search extends EventTarget {
  #api;
  #asked = 0;
  #next = null;
  query = "";
  hits = [];
  /** True between a question and its answer. */
  isBusy = false;

  constructor(api) {
    super();
    this.#api = api;
  }

  get hasMore() {
    return this.#next !== null;
  }

  /** Looks for `query`; an empty one ends the search. */
  async find(query) {
    this.query = query;
    const asked = ++this.#asked;
    this.isBusy = query !== "";
    if (!this.isBusy) {
      this.hits = [];
      this.#next = null;
      this.#changed();
      return;
    }
    try {
      const page = await this.#api.search({ q: query });
      if (asked !== this.#asked) return;
      this.hits = page.data;
      this.#next = page.next;
    } finally {
      if (asked === this.#asked) {
        this.isBusy = false;
        this.#changed();
      }
    }
  }

  async loadMore() {
    const asked = this.#asked;
    const page = await this.#api.search({ q: this.query, cursor: this.#next });
    if (asked !== this.#asked) return;
    this.hits = [...this.hits, ...page.data];
    this.#next = page.next;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("changed"));
  }
}
