// Whether the server can be reached, said once however many calls notice it.

export class LineNotice {
  #page;
  #notices;
  #reasons = new Set();

  constructor(page, notices) {
    this.#page = page;
    this.#notices = notices;
  }

  /** Reasons: "reply" (the polls of a reply fail), "server" (nothing answers), "device" (offline). */
  set(reason, isDown) {
    if (isDown) this.#reasons.add(reason);
    else this.#reasons.delete(reason);
    const { i18n } = this.#page;
    if (this.#reasons.size === 0) this.#notices.clear("line");
    else {
      const isAll = this.#reasons.has("device") || this.#reasons.has("server");
      this.#notices.show("line", i18n.t(isAll ? "ui.notice.offline" : "ui.notice.line_lost"));
    }
  }

  get isDown() {
    return this.#reasons.size > 0;
  }
}
