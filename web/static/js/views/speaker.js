// Says the boundaries of a reply to screen readers: its place, that it has started, how it ended.
// Each once, and nothing in between.

import { isQuiet } from "./job_words.js";

export class Speaker {
  #page;
  #saidOf = null;
  #said = new Set();

  constructor(page) {
    this.#page = page;
  }

  follow(job) {
    const { i18n, api } = this.#page;
    if (this.#saidOf !== job.id) {
      this.#saidOf = job.id;
      this.#said.clear();
    }
    if (job.status === "in_progress") this.#once(`started ${job.attempt}`, i18n.t("ui.said.started"));
    const position = job.queue?.reason === "worker" ? job.queue.position : null;
    if (position && !isQuiet(job, api.now())) {
      this.#once(`place ${position}`, i18n.t("ui.queue.place", { place: i18n.ordinal(position) }));
    }
  }

  ended(message) {
    const { i18n, announcer } = this.#page;
    const text = {
      completed: () => i18n.t("ui.said.finished"),
      incomplete: () => message.error?.title ?? i18n.t("ui.said.stopped"),
      failed: () => [message.error?.title, message.error?.detail].filter(Boolean).join(". "),
    }[message.status];
    if (text) announcer.say(text());
  }

  #once(what, text) {
    if (this.#said.has(what)) return;
    this.#said.add(what);
    this.#page.announcer.say(text);
  }
}
