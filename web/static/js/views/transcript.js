// The turns of the conversation in view, in order, with the divider of what the model didn't get.
// It shows what the Conversation says and keeps the reader's place while it changes.

import { ApiError } from "../api_error.js";
import { el, setText, show } from "../lib/dom.js";
import { hear } from "../lib/events.js";
import { arrange } from "../lib/keyed.js";
import { ScrollKeeper } from "../lib/scroll_keeper.js";
import { split } from "../models/attachments.js";
import { markOf, railOf } from "../models/rail.js";
import { reach } from "../models/reach.js";
import { isQuiet } from "./job_words.js";

const TICK_MS = 500;
const FOUND_MS = 2500;
// Older turns are asked for before the reader reaches the first.
const AHEAD = "400px";

export class Transcript {
  #root;
  #content;
  #page;
  #jump;
  #keeper;
  #conversation = null;
  #turns = new Map();
  #pending = null;
  #comparison = null;
  // what turns are made of (views/turns.js), once there are any
  #makers = null;
  #divider;
  #older;
  #isLoading = false;
  #welcome;
  #timer = null;

  constructor(root, jump, page) {
    this.#root = root;
    this.#content = root.querySelector("[data-content]");
    this.#jump = jump;
    this.#page = page;
    const { i18n } = page;
    this.#older = el(
      "button",
      { type: "button", class: "plain-button older" },
      i18n.t("ui.transcript.older"),
    );
    this.#older.addEventListener("click", () => this.#loadOlder());
    new IntersectionObserver(([entry]) => entry.isIntersecting && this.#loadOlder(), {
      root,
      rootMargin: `${AHEAD} 0px 0px`,
    }).observe(this.#older);
    this.#welcome = el(
      "div",
      { class: "welcome" },
      el("p", { class: "welcome-title" }, i18n.t("ui.welcome.title")),
      el("p", {}, i18n.t("ui.welcome.text")),
    );
    this.#keeper = new ScrollKeeper(root, this.#content, () => this.#showJump());
    jump.addEventListener("click", () => this.#toEnd());
    // whoever types, points or touches is about to see one
    for (const type of ["input", "pointerover", "touchstart"]) {
      const prepare = () => this.prepare().catch(() => null);
      document.addEventListener(type, prepare, { once: true, passive: true });
    }
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

  /** Fetches what turns are made of: soon there will be one. */
  async prepare() {
    if (this.#makers) return;
    const makers = await import("./turns.js");
    if (this.#makers) return;
    this.#divider = new makers.WindowDivider(this.#page);
    this.#makers = makers;
  }

  /** Shows the branch as it is now. */
  refresh() {
    const { pending, visibleTurns } = this.#conversation;
    if (!this.#makers && (pending || visibleTurns.length > 0)) {
      const wasAtBottom = this.#keeper.isAtBottom;
      this.prepare().then(
        () => {
          this.refresh();
          if (wasAtBottom) this.#keeper.toBottom();
        },
        () => this.#page.failed(new ApiError({ code: "no_answer" })),
      );
      return;
    }
    const { rails, divider } = this.#rails();
    const elements = [];
    if (this.#conversation.hasOlder) elements.push(this.#older);
    const turns = this.#conversation.visibleTurns;
    turns.forEach((turn, index) => {
      if (turn.id === divider?.beforeId) elements.push(this.#showDivider(divider, rails));
      elements.push(this.#showTurn(turn, rails.get(turn.id), markOf(turns, index)));
    });
    this.#forgetExcept(turns);
    this.#offerTakeBack();
    elements.push(...this.#showComparison());
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
    const isCompared = this.#conversation.comparison?.has(messageId);
    const message = this.#conversation.turns.find(({ id }) => id === messageId);
    if (!isCompared && (!message || !this.#turns.has(messageId))) return;
    const { rails, divider } = this.#rails();
    const isSame = (divider?.beforeId ?? null) === (this.#dividerPlace() ?? null);
    if (!isSame) return this.refresh();
    for (const [id, turn] of this.#turns) turn.element.dataset.rail = rails.get(id) ?? "unknown";
    if (isCompared) this.#showComparison();
    else this.#showTurn(message, rails.get(messageId));
    this.#offerTakeBack();
    this.#keeper.follow();
    this.#showJump();
    this.#keepTime();
  }

  toBottom() {
    this.#keeper.toBottom();
  }

  /** Brings replies that stand next to each other into view from their beginning. */
  toComparison() {
    if (this.#comparison) this.#keeper.show(this.#comparison.element);
  }

  /** Brings a message into view and marks it; it may be on an older page or on another branch. */
  async goTo(messageId) {
    const conversation = this.#conversation;
    if (conversation.comparison) await conversation.stopComparing();
    this.#isLoading = true;
    try {
      if (!(await reach(conversation, messageId)) || conversation !== this.#conversation) return;
    } finally {
      this.#isLoading = false;
    }
    const { element } = this.#turns.get(messageId);
    this.#keeper.show(element);
    this.#content.querySelector(".is-found")?.classList.remove("is-found");
    element.classList.add("is-found");
    setTimeout(() => element.classList.remove("is-found"), FOUND_MS);
  }

  /** Opens the editor of the person's last turn, if there is one. */
  editLast() {
    const last = this.#conversation.visibleTurns.findLast(({ role }) => role === "user");
    this.#turns.get(last?.id)?.startEditing();
  }

  /** Loads the whole branch: what prints a conversation prints all of it. */
  async loadAll() {
    while (this.#conversation.hasOlder && !this.#isLoading) await this.#loadOlder();
  }

  /** The last block of code that is shown, or null. */
  get lastCode() {
    return [...this.#content.querySelectorAll(".markdown .code-block")].at(-1)?.codeBlock ?? null;
  }

  #rails() {
    const { seen, turns, hasOlder } = this.#conversation;
    return railOf(turns, seen, { hasOlder, isWriting: (turn) => this.#isWriting(turn) });
  }

  #isWriting(turn) {
    return this.#conversation.jobOf(turn)?.status === "in_progress";
  }

  #showTurn(message, rail, mark) {
    const turn = this.#turns.get(message.id) ?? this.#makeTurn(message);
    if (message.role === "user") turn.update(message, { rail, mark });
    else this.#showReply(turn, message, rail);
    return turn.element;
  }

  // A turn that has only just been sent starts at once as a rule: a button would only flicker.
  #offerTakeBack() {
    const turns = this.#conversation.visibleTurns;
    turns.forEach(({ id, role }, index) => {
      if (role !== "user") return;
      const isLast = index === turns.length - 2;
      const job = isLast ? this.#conversation.jobOf(turns[index + 1]) : null;
      const waits = job?.status === "queued" && job.attempt === 0;
      const isLong = waits && (job.queue?.reason === "previous_reply" || !isQuiet(job, this.#page.api.now()));
      this.#turns.get(id)?.offerTakeBack(isLong);
    });
  }

  #showReply(turn, message, rail) {
    const live = this.#conversation.liveTextOf(message);
    turn.update(message, { rail, live, job: this.#conversation.jobOf(message) });
  }

  #makeTurn(message) {
    const { ReplyTurn, UserTurn } = this.#makers;
    const turn = message.role === "user" ? new UserTurn(this.#page) : new ReplyTurn(this.#page);
    this.#turns.set(message.id, turn);
    return turn;
  }

  #showComparison() {
    const { comparison } = this.#conversation;
    if (!comparison) {
      this.#comparison = null;
      return [];
    }
    this.#comparison ??= new this.#makers.ComparisonView(this.#page);
    this.#comparison.update(comparison, (turn, reply) => {
      const isPending = reply.status === "pending";
      this.#showReply(turn, reply, isPending ? (this.#isWriting(reply) ? "writing" : "waiting") : "sent");
    });
    return [this.#comparison.element];
  }

  #showPending() {
    this.#pending ??= new this.#makers.PendingTurn(this.#page);
    this.#pending.update(this.#conversation.pending);
    return this.#pending.element;
  }

  #showDivider({ turns }, rails) {
    this.#divider.update(turns, this.#omittedFiles(rails));
    return this.#divider.element;
  }

  #omittedFiles(rails) {
    return this.#conversation.visibleTurns
      .filter(({ id, role, in_window: mark }) => {
        return role === "user" && mark !== "never" && rails.get(id) === "omitted";
      })
      .flatMap(({ id, content }) => split(content).files.map(({ name }) => ({ messageId: id, name })));
  }

  #dividerPlace() {
    const element = this.#divider?.element;
    return element?.isConnected ? element.nextElementSibling?.dataset.id : null;
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
    if (this.#isLoading) return;
    this.#isLoading = true;
    this.#older.disabled = true;
    const hadFocus = this.#older === document.activeElement;
    const first = this.#content.querySelector("article");
    const top = first.getBoundingClientRect().top;
    try {
      await this.#conversation.loadOlder();
      this.#keeper.hold({ getBoundingClientRect: () => ({ top }) }, () => first);
      if (hadFocus && !this.#conversation.hasOlder) this.#root.focus({ preventScroll: true });
    } catch (error) {
      this.#page.failed(error);
    } finally {
      this.#isLoading = false;
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
    setText(
      this.#jump.lastElementChild,
      this.#page.i18n.t(this.#isRunning() ? "ui.jump.writing" : "ui.jump.end"),
    );
  }

  #isRunning() {
    return (this.#conversation?.activeReply ?? null) !== null;
  }

  // Seconds go on between polls, but only while something runs and somebody looks.
  #keepTime() {
    const isRunning = this.#isRunning();
    if (isRunning && this.#timer === null) this.#timer = setInterval(() => this.#tick(), TICK_MS);
    if (!isRunning && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  #tick() {
    if (document.hidden) return;
    const shown = [...this.#turns.values(), ...(this.#comparison?.turns ?? [])];
    for (const turn of shown) if (turn.message.status === "pending") turn.tick?.();
  }
}
