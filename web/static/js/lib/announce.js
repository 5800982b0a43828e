// The page's one role=status node. It speaks at boundaries (sent, place, started, finished,
// error), never the reply itself: a screen reader would read every fragment of it.

export class Announcer {
  #node;
  #last = 0;
  #timer = null;

  constructor(node) {
    this.#node = node;
  }

  /** Says `text` once. Two boundaries in the same moment are one breath: the later one wins. */
  say(text) {
    clearTimeout(this.#timer);
    // emptied first: the same sentence twice in a row would not be a change, hence not be said
    if (performance.now() - this.#last > 50) this.#node.textContent = "";
    this.#last = performance.now();
    this.#timer = setTimeout(() => {
      this.#node.textContent = text;
    }, 60);
  }
}
