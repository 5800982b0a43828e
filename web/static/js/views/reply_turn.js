// A reply: its text, growing while it is written, the line about its job, and how it ended.

import { el, iconButton, prefersLessMotion, setText, show } from "../lib/dom.js";
import { tell } from "../lib/events.js";
import { Reveal } from "../lib/reveal.js";
import { copy } from "../markdown/code_block.js";
import { LiveMarkdown } from "../markdown/live.js";
import { JobLine } from "./job_line.js";
import { Turn } from "./turn.js";
import { ReplyMenu } from "./reply_menu.js";
import { flash } from "./user_turn.js";

export class ReplyTurn extends Turn {
  #text = el("div", { class: "markdown" });
  #markdown;
  #reveal;
  #jobLine;
  #why = el("strong");
  #whatToDo = el("p");
  #failure;
  #note = el("p", { class: "reply-note", hidden: true });
  #copyButton;
  #again;
  #menu;
  #facts = el("span", { class: "turn-facts" });

  constructor(page) {
    super(page, "EpiCode", { kind: "reply" });
    const { i18n } = page;
    this.#markdown = new LiveMarkdown(this.#text, page.texts);
    this.#reveal = new Reveal({
      paint: (text) => this.#markdown.show(text),
      isInstant: () => document.hidden || prefersLessMotion(),
    });
    this.#jobLine = new JobLine(page);
    // built once: a button that has the focus keeps it
    this.#failure = el(
      "div",
      { class: "reply-failure", role: "group", hidden: true },
      this.#why,
      this.#whatToDo,
      el(
        "button",
        { type: "button", class: "plain-button", on: { click: () => this.#regenerate() } },
        i18n.t("ui.retry"),
      ),
    );
    this.body.append(this.#text, this.#jobLine.element, this.#failure, this.#note);
    this.#copyButton = iconButton("copy", i18n.t("ui.turn.copy"), { on: { click: () => this.#copy() } });
    this.#again = iconButton("again", i18n.t("ui.turn.again"), {
      on: { click: () => this.#regenerate() },
    });
    this.#menu = new ReplyMenu(page, this);
    this.actions.append(this.#copyButton, this.#again, this.#menu.element);
    this.head.append(this.#facts);
  }

  /** `live` is {text, faded} while the job is followed, `job` its last answer; both may be null. */
  update(message, { rail, live, job }) {
    super.update(message, { rail });
    const isPending = message.status === "pending";
    const isWriting = isPending && job?.status === "in_progress";
    this.element.classList.toggle("is-writing", isWriting && !live?.faded);
    this.element.setAttribute("aria-busy", String(isPending));
    setText(this.meta, this.#meta(message, job, live));
    if (isPending) this.#grow(live);
    else this.#finish(message);
    this.#jobLine.update(isPending ? job : null, live?.text ?? "");
    this.#showEnd(message);
    show(this.actions, !isPending);
    show(this.#copyButton, message.content !== "");
    show(this.#again, message.status !== "failed");
    setText(this.#facts, this.#spent(message));
  }

  /** The seconds of the job line go on between polls. */
  tick() {
    this.#jobLine.tick();
  }

  #grow(live) {
    this.#text.classList.toggle("is-faded", Boolean(live?.faded));
    // nobody looks: the next update in a visible tab paints everything at once
    if (!document.hidden) this.#reveal.push(live?.faded ?? live?.text ?? "");
  }

  #finish(message) {
    this.#text.classList.remove("is-faded");
    this.#reveal.end(message.content);
    this.#markdown.show(message.content, { ended: true });
  }

  #meta(message, job, live) {
    const { i18n } = this.page;
    const model = this.page.store.labelOf(job?.model ?? message.model ?? "");
    if (message.status !== "pending") return model;
    return [model, i18n.t(stateKey(job, live))].filter(Boolean).join(" · ");
  }

  // Tokens and price: of a reply that nobody counted, neither.
  #spent({ usage }) {
    if (!usage?.output_tokens) return "";
    const { i18n } = this.page;
    const parts = [i18n.count("ui.tokens", usage.output_tokens)];
    if (usage.cost !== null && usage.cost !== undefined) parts.push(i18n.price(usage.cost));
    return parts.join(" · ");
  }

  #showEnd(message) {
    const { i18n } = this.page;
    const { error, status } = message;
    show(this.#failure, status === "failed");
    if (status === "failed") {
      const title = error?.title ?? i18n.t("ui.reply.failed");
      this.#failure.setAttribute("aria-label", title);
      setText(this.#why, title);
      setText(this.#whatToDo, error?.detail ?? "");
    }
    show(this.#note, status === "incomplete");
    if (status === "incomplete") {
      const stopped = message.content === "" ? "ui.reply.stopped_unstarted" : "ui.reply.stopped";
      setText(
        this.#note,
        error ? [error.title, error.detail].filter(Boolean).join(". ") : i18n.t(stopped),
      );
    }
  }

  async #copy() {
    const done = await copy(this.message.content);
    this.page.announcer.say(this.page.i18n.t(done ? "ui.code.copied" : "ui.code.not_copied"));
    if (done) flash(this.#copyButton);
  }

  #regenerate() {
    tell(this.element, "regenerate", { messageId: this.message.parent_id });
  }
}

function stateKey(job, live) {
  if (job?.cancelling) return "ui.state.stopping";
  if (job?.status !== "in_progress") return "ui.state.queued";
  return live?.text ? "ui.state.writing" : "ui.state.thinking";
}
