// What was just done and can be taken back for a while: one thing at a time, and not while somebody
// is at its button.

const STAYS_MS = 10_000;

export class Undo {
  #page;
  #notices;
  #timer = null;
  #confirm = null;

  constructor(page, notices) {
    this.#page = page;
    this.#notices = notices;
  }

  /** Says what was done. `undo()` takes it back; `confirm()` is called when that is over. */
  offer(text, { undo, confirm = () => {} }) {
    this.#end();
    this.#confirm = confirm;
    const { i18n } = this.#page;
    const takeBack = () => {
      this.#confirm = null;
      this.#end();
      undo();
    };
    const bar = this.#notices.show("undo", text, {
      kind: "done",
      canClose: true,
      action: { label: i18n.t("ui.undo"), run: takeBack },
      closed: () => this.#end(),
    });
    // what had the focus is gone with what was done; the way back is the next thing to reach
    requestAnimationFrame(() => {
      if (document.activeElement === document.body) bar.querySelector("button").focus();
    });
    const wait = () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        if (bar.matches(":hover") || bar.querySelector(":focus-visible")) wait();
        else this.#end();
      }, STAYS_MS);
    };
    wait();
  }

  #end() {
    clearTimeout(this.#timer);
    this.#notices.clear("undo");
    const confirm = this.#confirm;
    this.#confirm = null;
    confirm?.();
  }
}
