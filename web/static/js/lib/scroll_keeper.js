// Keeps the reader where they are: at the bottom if they were there while text arrives, otherwise
// exactly on the lines that they were reading.

const NEAR = 48;

export class ScrollKeeper {
  #region;
  #stuck = true;
  #top = 0;
  #onMove;

  /** `onMove(isAtBottom)` is called when the answer to "is the reader at the bottom" changes. */
  constructor(region, content, onMove) {
    this.#region = region;
    this.#onMove = onMove;
    region.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    const observer = new ResizeObserver(() => this.follow());
    observer.observe(content);
    observer.observe(region);
  }

  get isAtBottom() {
    return this.#stuck;
  }

  /** To be called when the content has grown: goes along only if the reader was at the bottom. */
  follow() {
    if (this.#stuck) this.#jump(this.#region.scrollHeight);
    else this.#set(this.#isNear());
  }

  toBottom() {
    this.#set(true);
    this.#jump(this.#region.scrollHeight);
  }

  /** Brings `element` to the upper third, where one looks; what stands there is read from then on. */
  show(element) {
    this.#set(false);
    const place = () => {
      const { top, height } = this.#region.getBoundingClientRect();
      const wanted = this.#region.scrollTop + element.getBoundingClientRect().top - top - height / 4;
      this.#jump(Math.max(0, wanted));
    };
    place();
    // what has come into view now has its true height only after it was laid out
    requestAnimationFrame(() => requestAnimationFrame(place));
    this.#set(this.#isNear());
  }

  /**
   * Runs `change` and keeps on screen what was there: `anchor`, or the element that `change`
   * returns in its place, stays where it was; without one the distance to the end is kept.
   */
  hold(anchor, change) {
    const before = anchor?.getBoundingClientRect().top;
    const fromEnd = this.#region.scrollHeight - this.#region.scrollTop;
    const successor = change() ?? anchor;
    if (before !== undefined && successor?.isConnected) {
      this.#jump(this.#region.scrollTop + successor.getBoundingClientRect().top - before);
    } else {
      this.#jump(this.#region.scrollHeight - fromEnd);
    }
    this.#set(this.#isNear());
  }

  // A scroll event of our own jump may arrive after more text has: only a move upwards is the
  // reader's decision to leave the bottom.
  #scrolled() {
    const top = this.#region.scrollTop;
    const wentUp = top < this.#top - 1;
    this.#top = top;
    if (this.#isNear()) this.#set(true);
    else if (wentUp) this.#set(false);
  }

  #isNear() {
    const { scrollHeight, scrollTop, clientHeight } = this.#region;
    return scrollHeight - scrollTop - clientHeight <= NEAR;
  }

  #jump(top) {
    this.#region.scrollTop = top;
    this.#top = this.#region.scrollTop;
  }

  #set(stuck) {
    if (stuck === this.#stuck) return;
    this.#stuck = stuck;
    this.#onMove(stuck);
  }
}
