// One quiet line under a live reply: attempt, why the last one ended, worker, seconds, tokens.
// While queued a card says the place and the reason. Both stay hidden while all takes under 2 s.

import { el, setText, show } from "../lib/dom.js";
import { isQuiet, queueWords, writingWords } from "./job_words.js";

const DOTS = 4;

export class JobLine {
  #page;
  #job = null;
  #text = "";
  #line = el("p", { class: "job-line", hidden: true });
  #place = el("strong");
  #start = el("span");
  #reason = el("span", { class: "queue-reason" });
  #dots = el("span", { class: "queue-dots", "aria-hidden": "true" });
  #card = el(
    "div",
    { class: "queue-card", hidden: true },
    this.#dots,
    el("span", {}, this.#place, this.#start, " ", this.#reason),
  );

  constructor(page) {
    this.#page = page;
    this.element = el("div", { class: "job" }, this.#line, this.#card);
  }

  /** `job` is the last answer of a job that hasn't ended, or null. */
  update(job, text) {
    this.#job = job;
    this.#text = text;
    this.tick();
  }

  tick() {
    const job = this.#job;
    const now = this.#page.api.now();
    const isShown = job !== null && !isQuiet(job, now);
    const isQueued = isShown && job.status === "queued" && job.queue !== null;
    show(this.#card, isQueued);
    show(this.#line, isShown && !isQueued);
    if (isQueued) this.#showQueue(queueWords(job, now, this.#page.i18n));
    else if (isShown) this.#showLine(writingWords(job, this.#text, now, this.#page.i18n));
  }

  #showQueue({ place, start, reason, ahead }) {
    setText(this.#place, place);
    setText(this.#start, start ? `${start}.` : ".");
    setText(this.#reason, reason);
    const wanted = Math.min(DOTS, ahead + 1);
    if (this.#dots.childElementCount === wanted) return;
    this.#dots.replaceChildren(...Array.from({ length: wanted }, () => el("i")));
  }

  #showLine(words) {
    while (this.#line.childElementCount > words.length) this.#line.lastChild.remove();
    words.forEach(({ kind, text }, index) => {
      const span = this.#line.children[index] ?? this.#line.appendChild(el("span"));
      if (span.className !== `job-${kind}`) span.className = `job-${kind}`;
      setText(span, text);
    });
  }
}
