// Text comes in polls of hundreds of characters; this lets it out evenly, so that it reads as
// writing. The time is given from outside (requestAnimationFrame and its clock): tests own it.

const FRAME_MS = 1000 / 30;
// How long one poll's text is spread. Longer than the usual pace of polls would fall behind.
const SPREAD_MS = 180;

export class Reveal {
  #paint;
  #schedule;
  #isInstant;
  #text = "";
  #shown = 0;
  #lastPaint = -Infinity;
  #lastPush = -Infinity;
  #waiting = false;

  /**
   * `paint(text)` shows a beginning of the text. `schedule(callback)` calls back with the time in
   * ms at the next frame. `isInstant()` is true when nothing should be spread: tab hidden, reduced
   * motion.
   */
  constructor({
    paint,
    schedule = (callback) => requestAnimationFrame(callback),
    isInstant = () => false,
  }) {
    this.#paint = paint;
    this.#schedule = schedule;
    this.#isInstant = isInstant;
  }

  /** The text as known now. A text that doesn't continue the last one starts over. */
  push(text) {
    if (!text.startsWith(this.#text.slice(0, this.#shown))) this.#shown = 0;
    this.#text = text;
    this.#lastPush = -Infinity;
    if (this.#isInstant()) this.flush();
    else this.#request();
  }

  /** Shows everything now: the reply has ended, or the tab is seen again. */
  flush() {
    this.#shown = this.#text.length;
    this.#paint(this.#text);
  }

  /** The text is `text` and somebody else paints it: nothing of before may come after. */
  end(text) {
    this.#text = text;
    this.#shown = text.length;
  }

  #request() {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#schedule((now) => this.#step(now));
  }

  #step(now) {
    this.#waiting = false;
    if (this.#shown >= this.#text.length) return;
    if (this.#isInstant()) return this.flush();
    if (now - this.#lastPaint < FRAME_MS - 1) return this.#request();
    if (this.#lastPush === -Infinity) this.#lastPush = now;
    const left = Math.max(1, Math.round((SPREAD_MS - (now - this.#lastPush)) / FRAME_MS));
    const step = Math.ceil((this.#text.length - this.#shown) / left);
    this.#shown = wholeCharacter(this.#text, this.#shown + step);
    this.#lastPaint = now;
    this.#paint(this.#text.slice(0, this.#shown));
    if (this.#shown < this.#text.length) this.#request();
  }
}

/** The nearest end at or after `index` that doesn't split a surrogate pair. */
function wholeCharacter(text, index) {
  const end = Math.min(index, text.length);
  const code = text.charCodeAt(end - 1);
  return code >= 0xd800 && code <= 0xdbff && end < text.length ? end + 1 : end;
}
