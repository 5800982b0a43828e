// A turn on its way to the server: shown at once, with what to do about it when it doesn't arrive.

import { el, setText, show } from "../lib/dom.js";
import { tell } from "../lib/events.js";
import { showTyped } from "../markdown/typed.js";
import { split } from "../models/attachments.js";
import { attachedFile } from "./attached_file.js";

export class PendingTurn {
  #card = el("div", { class: "card-said" });
  #reason = el("span", { class: "failure-reason" });
  #failure;
  #page;
  #shown = null;

  constructor(page) {
    this.#page = page;
    const { i18n } = page;
    this.#failure = el(
      "div",
      { class: "send-failure", hidden: true },
      this.#reason,
      el(
        "button",
        { type: "button", class: "text-button", on: { click: () => tell(this.element, "send-again") } },
        i18n.t("ui.retry"),
      ),
      el(
        "button",
        { type: "button", class: "text-button", on: { click: () => tell(this.element, "take-back") } },
        i18n.t("ui.pending.take_back"),
      ),
    );
    this.element = el(
      "article",
      {
        class: "turn turn-user",
        "aria-label": i18n.t("ui.turn.you"),
        dataset: { rail: "waiting", pending: "" },
      },
      el("h2", { class: "visually-hidden" }, i18n.t("ui.turn.you")),
      el("div", { class: "turn-body" }, this.#card),
      this.#failure,
    );
  }

  update(pending) {
    if (pending.content !== this.#shown) {
      this.#shown = pending.content;
      const { text, files } = split(pending.content);
      showTyped(this.#card, text, this.#page.texts);
      this.#card.append(...files.map((file) => attachedFile(file, this.#page)));
    }
    this.element.classList.toggle("has-failed", pending.hasFailed);
    this.element.classList.toggle("is-held", pending.isHeld);
    if (pending.hasFailed) setText(this.#reason, this.#words(pending.error));
    show(this.#failure, pending.hasFailed);
  }

  #words(error) {
    const { i18n } = this.#page;
    if (error.code === "unconfirmed") return i18n.t("ui.pending.unconfirmed");
    if (error.code === "offline") return i18n.t("ui.pending.offline");
    if (error.code === "unauthorized") return i18n.t("ui.pending.signed_out");
    if (error.isNoAnswer) return i18n.t("ui.pending.no_answer");
    return i18n.t("ui.pending.refused", { reason: error.sentence || i18n.t("ui.error.unknown") });
  }
}
