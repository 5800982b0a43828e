// The turns of the conversation in view, in order, with the divider of what the model didn't get.
// It shows what the Conversation says and keeps the reader's place while it changes.

import { el, setText, show } from "../lib/dom.js";
import { hear } from "../lib/events.js";
import { arrange } from "../lib/keyed.js";
import { ScrollKeeper } from "../lib/scroll_keeper.js";
import { railOf } from "../models/rail.js";
import { PendingTurn } from "./pending_turn.js";
import { ReplyTurn } from "./reply_turn.js";
import { UserTurn } from "./user_turn.js";

const TICK_MS = 500;

export class Transcript {
  #root;
  #content;
  #page;
  #jump;
  #keeper;
  #conversation = null;
  #turns = new Map();
  #pending = null;
  #divider;
  #older;
  #welcome;
  #timer = null;

  constructor(root, jump, page) {
    this.#root = root;
    this.#content = root.querySelector("[data-content]");
    this.#jump = jump;
    this.#page = page;
    const { i18n } = page;
    this.#divider = el("p", { class: "window-divider" }, el("span"));
    this.#older = el(
      "button",
      { type: "button", class: "plain-button older" },
      i18n.t("ui.transcript.older"),
    );
    this.#older.addEventListener("click", () => this.#loadOlder());
    this.#welcome = el(
      "div",
      { class: "welcome" },
      el("p", { class: "welcome-title" }, i18n.t("ui.welcome.title")),
      el("p", {}, i18n.t("ui.welcome.text")),
    );
    this.#keeper = new ScrollKeeper(root, this.#content, () => this.#showJump());
    jump.addEventListener("click", () => this.#toEnd());
    hear(root, "switch", (detail) => this.#switchTo(detail));
  }

  /** Shows another conversation, from its end. */
  open(conversation) {
    this.#conversation = conversation;
    this.#turns.clear();
    this.#pending = null;
    this.refresh();
    this.#keeper.toBottom();
  }

  /** Shows the branch as it is now. */
  refresh() {
    const { rails, divider } = this.#rails();
    const elements = [];
    if (this.#conversation.hasOlder) elements.push(this.#older);
    const turns = this.#conversation.visibleTurns;
    for (const turn of turns) {
      if (turn.id === divider?.beforeId) elements.push(this.#showDivider(divider.turns));
      elements.push(this.#showTurn(turn, rails.get(turn.id)));
    }
    this.#forgetExcept(turns);
    if (this.#conversation.pending) elements.push(this.#showPending());
    else this.#pending = null;
    const isEmpty = this.#conversation.id === null && !this.#conversation.pending;
    arrange(this.#content, isEmpty ? [this.#welcome] : elements);
    this.#keeper.follow();
    this.#showJump();
    this.#keepTime();
  }

  /** Shows what is new about one reply. */
  refreshReply(messageId) {
    const message = this.#conversation.turns.find(({ id }) => id === messageId);
    if (!message || !this.#turns.has(messageId)) return;
    const { rails, divider } = this.#rails();
    const isSame = (divider?.beforeId ?? null) === (this.#dividerPlace() ?? null);
    if (!isSame) return this.refresh();
    for (const [id, turn] of this.#turns) turn.element.dataset.rail = rails.get(id) ?? "unknown";
    this.#showTurn(message, rails.get(messageId));
    this.#keeper.follow();
    this.#showJump();
    this.#keepTime();
  }

  toBottom() {
    this.#keeper.toBottom();
  }

  #rails() {
    return railOf(this.#conversation.visibleTurns, this.#conversation.windowJob, {
      hasOlder: this.#conversation.hasOlder,
      isWriting: (turn) => this.#conversation.jobOf(turn)?.status === "in_progress",
    });
  }

  #showTurn(message, rail) {
    const turn = this.#turns.get(message.id) ?? this.#makeTurn(message);
    if (message.role === "user") turn.update(message, { rail });
    else {
      const conversation = this.#conversation;
      turn.update(message, {
        rail,
        live: conversation.liveTextOf(message),
        job: conversation.jobOf(message),
      });
    }
    return turn.element;
  }

  #makeTurn(message) {
    const turn = message.role === "user" ? new UserTurn(this.#page) : new ReplyTurn(this.#page);
    this.#turns.set(message.id, turn);
    return turn;
  }

  #showPending() {
    this.#pending ??= new PendingTurn(this.#page);
    this.#pending.update(this.#conversation.pending);
    return this.#pending.element;
  }

  #showDivider(turns) {
    setText(this.#divider.firstChild, this.#page.i18n.count("ui.window.omitted", turns));
    return this.#divider;
  }

  #dividerPlace() {
    return this.#divider.isConnected ? this.#divider.nextElementSibling?.dataset.id : null;
  }

  #forgetExcept(turns) {
    const kept = new Set(turns.map(({ id }) => id));
    for (const id of this.#turns.keys()) if (!kept.has(id)) this.#turns.delete(id);
  }

  // The turn that was switched away from and the one in its place stand at the same height.
  async #switchTo({ from, to }) {
    const before = this.#turns.get(from);
    const top = before.element.getBoundingClientRect().top;
    const anchor = { isConnected: true, getBoundingClientRect: () => ({ top }) };
    await this.#conversation.switchTo(to);
    const after = this.#turns.get(to);
    if (!after) return;
    this.#keeper.hold(anchor, () => after.element);
    after.focusSiblings();
  }

  async #loadOlder() {
    this.#older.disabled = true;
    const first = this.#content.querySelector("article");
    const top = first.getBoundingClientRect().top;
    try {
      await this.#conversation.loadOlder();
      this.#keeper.hold({ getBoundingClientRect: () => ({ top }) }, () => first);
      if (!this.#conversation.hasOlder) this.#root.focus({ preventScroll: true });
    } catch (error) {
      this.#page.failed(error);
    } finally {
      this.#older.disabled = false;
    }
  }

  #toEnd() {
    this.#keeper.toBottom();
    this.#page.focusComposer();
  }

  #showJump() {
    const isAway = !this.#keeper.isAtBottom;
    show(this.#jump, isAway);
    if (!isAway) return;
    const isWriting = this.#conversation?.turns.some(({ status }) => status === "pending");
    setText(
      this.#jump.lastElementChild,
      this.#page.i18n.t(isWriting ? "ui.jump.writing" : "ui.jump.end"),
    );
  }

  // Seconds go on between polls, but only while something runs and somebody looks.
  #keepTime() {
    const isRunning = this.#conversation.turns.some(({ status }) => status === "pending");
    if (isRunning && this.#timer === null) this.#timer = setInterval(() => this.#tick(), TICK_MS);
    if (!isRunning && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  #tick() {
    if (document.hidden) return;
    for (const turn of this.#turns.values()) if (turn.message.status === "pending") turn.tick?.();
  }
}
