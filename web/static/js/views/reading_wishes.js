// What a person wants while reading: pin a turn or leave it out, replies next to each other, find,
// quote, copy, print.

import { hear } from "../lib/events.js";
import { halves } from "../models/rail.js";
import { MOST_COMPARED } from "../models/comparison.js";

/** Hears every such wish from `root` and carries it out. */
export function listenToReading(root, page, views, inView, screen) {
  const { announcer, i18n, store } = page;
  const { composer, dialogs, reading, transcript } = views;

  // A turn is a question and its reply: whatever says otherwise on either of them goes.
  async function mark({ messageId, mark }) {
    const { conversation } = inView;
    const index = conversation.turns.findIndex(({ id }) => id === messageId);
    const others = halves(conversation.turns, index).filter(
      (half) => half && half.id !== messageId && half.in_window !== "auto",
    );
    await conversation.mark(
      others.map(({ id }) => id),
      "auto",
    );
    await conversation.mark([messageId], mark);
  }

  async function chooseModels(questionId = null) {
    const first = screen.model?.id;
    const chosen = await dialogs.pick({
      title: i18n.t("ui.compare.pick_title"),
      text: i18n.t(questionId ? "ui.compare.pick_again" : "ui.compare.pick_next"),
      choices: store.models.filter(({ available }) => available),
      chosen: questionId ? [] : [first],
      least: questionId ? 1 : 2,
      most: questionId ? MOST_COMPARED - 1 : MOST_COMPARED,
      action: i18n.t("ui.compare.action"),
    });
    if (!chosen) return;
    if (questionId) await compare(questionId, chosen);
    else {
      await screen.changeSettings({ model: chosen[0] });
      reading.together.choose(chosen);
      composer.focus();
    }
  }

  // The reply of the model in the usual place comes first; the others are asked the same then.
  function sendToOthers() {
    const others = reading.together.take();
    if (others.length === 0) return;
    inView.conversation.addEventListener(
      "accepted",
      ({ detail: reply }) => compare(reply.parent_id, others),
      { once: true },
    );
  }

  async function compare(questionId, models) {
    await inView.conversation.compare(questionId, models);
    transcript.toComparison();
  }

  async function choose(replyId) {
    await inView.conversation.switchTo(replyId);
    announcer.say(i18n.t("ui.compare.chosen"));
    composer.focus();
  }

  async function copyLastCode() {
    const block = transcript.lastCode;
    if (block) await block.copy();
    else announcer.say(i18n.t("ui.code.none"));
  }

  async function print() {
    await transcript.loadAll();
    window.print();
  }

  function pressed(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing) return;
    const wish = event.shiftKey ? withShift(event) : withoutShift(event);
    if (!wish) return;
    event.preventDefault();
    wish();
  }

  function withShift({ code }) {
    if (code === "Period") return () => reading.quoting.quote();
    if (code === "Comma") return copyLastCode;
    return null;
  }

  // Where all turns are loaded the browser finds them itself; and pressed again it always does.
  function withoutShift({ key }) {
    if (key.toLowerCase() !== "f" || !inView.conversation.hasOlder || reading.isFinding) return null;
    return () => reading.find();
  }

  hear(root, "mark", mark);
  hear(root, "compare", ({ questionId }) => compare(questionId));
  hear(root, "compare-models", ({ questionId }) => chooseModels(questionId));
  hear(root, "stop-comparing", () => inView.conversation.stopComparing());
  hear(root, "choose-reply", ({ replyId }) => choose(replyId));
  hear(root, "quote", ({ text }) => composer.quote(text));
  hear(root, "go-to", ({ messageId }) => transcript.goTo(messageId));
  hear(root, "topbar-find", () => reading.find());
  hear(root, "topbar-print", () => print());
  hear(root, "send", sendToOthers);
  document.addEventListener("keydown", pressed);
}
