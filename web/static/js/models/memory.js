// What outlives the tab, as JSON by name. Storage may be full, shut off or written by hand: then
// there is simply nothing.

const PREFIX = "epicode.";

export class Memory {
  #storage;

  /** `storage` is localStorage or anything like it. */
  constructor(storage) {
    this.#storage = storage;
  }

  /** The value, or null. */
  read(name) {
    try {
      return JSON.parse(this.#storage.getItem(PREFIX + name));
    } catch {
      return null;
    }
  }

  /** Keeps the value; null forgets it. */
  write(name, value) {
    try {
      if (value === null) this.#storage.removeItem(PREFIX + name);
      else this.#storage.setItem(PREFIX + name, JSON.stringify(value));
    } catch {
      // the page works on; this just doesn't outlive the tab
    }
  }

  /** What comes after `start` in every name that begins with it. */
  namesAfter(start) {
    const names = [];
    try {
      for (let index = 0; index < this.#storage.length; index += 1) {
        const name = this.#storage.key(index);
        if (name.startsWith(PREFIX + start)) names.push(name.slice(PREFIX.length + start.length));
      }
    } catch {
      // shut off: nothing was kept
    }
    return names;
  }
}
