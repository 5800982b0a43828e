// A person's corner of the browser's storage: who signs in here next doesn't find another's drafts.
// It has the three methods of localStorage that drafts need.

export class OwnStorage {
  #storage;
  #prefix;

  /** `userId` null, as in local mode: everything belongs to the one person there is. */
  constructor(storage, userId) {
    this.#storage = storage;
    this.#prefix = userId ? `${userId}.` : "";
  }

  getItem(name) {
    return this.#storage.getItem(this.#prefix + name);
  }

  setItem(name, value) {
    this.#storage.setItem(this.#prefix + name, value);
  }

  removeItem(name) {
    this.#storage.removeItem(this.#prefix + name);
  }

  /** Takes away all that this person has left here. */
  clear() {
    if (this.#prefix === "") return;
    try {
      for (const name of Object.keys(this.#storage))
        if (name.startsWith(this.#prefix)) this.#storage.removeItem(name);
    } catch {
      // storage is shut off: nothing was kept
    }
  }
}
