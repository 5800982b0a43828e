// A person's corner of the browser's storage: who signs in here next doesn't find another's drafts.
// It has what the models use of localStorage.

export class OwnStorage {
  #storage;
  #prefix;

  /** `userId` null, as in local mode: everything belongs to the one person there is. */
  constructor(storage, userId) {
    this.#storage = storage;
    this.#prefix = userId ? `${userId}.` : "";
  }

  get length() {
    return this.#names().length;
  }

  key(index) {
    return this.#names()[index]?.slice(this.#prefix.length) ?? null;
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
      for (const name of this.#names()) this.#storage.removeItem(name);
    } catch {
      // storage is shut off: nothing was kept
    }
  }

  #names() {
    return Object.keys(this.#storage).filter((name) => name.startsWith(this.#prefix));
  }
}
