// What the model saw. Pure: the turns of the branch and the newest reply whose window is known give
// each turn its rail and the place of the divider. A question and its reply go together: they are
// sent both or left out both, whichever of the two is marked.

/** The newest turn of which it is known what the model saw, as {promptId, replyId, context}. */
export function seenIn(turns, jobOf) {
  const reply = turns.findLast((turn) => contextOf(turn, jobOf));
  if (!reply) return null;
  return { promptId: reply.parent_id, replyId: reply.id, context: contextOf(reply, jobOf) };
}

/**
 * `turns` are messages, oldest first; `seen` is what seenIn gives; `hasOlder` says that the branch
 * has older turns that aren't loaded.
 * Returns {rails: Map of id to "sent" | "omitted" | "waiting" | "writing" | "unknown",
 * divider: {beforeId, turns} | null}.
 */
export function railOf(turns, seen, { hasOlder = false, isWriting = () => false } = {}) {
  const prompt = seen ? turns.findIndex(({ id }) => id === seen.promptId) : -1;
  const first = prompt < 0 ? -1 : firstSent(turns, seen.context, hasOlder);
  const rails = new Map();
  turns.forEach((turn, index) => {
    rails.set(turn.id, railOfTurn(turns, index, { seen, prompt, first, isWriting }));
  });
  const count = first > 0 ? countOmitted(turns, rails, { seen, prompt, first, hasOlder }) : 0;
  return {
    rails,
    divider: count > 0 ? { beforeId: turns[first].id, turns: count } : null,
  };
}

/** "always", "never" or "auto": the mark of the turn that the message at `index` is half of. */
export function markOf(turns, index) {
  const marks = halves(turns, index).map((half) => half?.in_window);
  if (marks.includes("never")) return "never";
  return marks.includes("always") ? "always" : "auto";
}

/** [question, reply] of the turn that the message at `index` is half of; what is missing is null. */
export function halves(turns, index) {
  const isReply = turns[index].role === "assistant";
  const question = turns[isReply ? index - 1 : index] ?? null;
  const reply = turns[isReply ? index : index + 1] ?? null;
  return [question, reply?.role === "assistant" ? reply : null];
}

function contextOf(turn, jobOf) {
  return turn.context ?? jobOf(turn)?.context ?? null;
}

function railOfTurn(turns, index, { seen, prompt, first, isWriting }) {
  const turn = turns[index];
  if (turn.status === "pending") return isWriting(turn) ? "writing" : "waiting";
  if (first < 0) return "unknown";
  if (turn.id === seen.replyId || index === prompt) return "sent";
  if (index > prompt) return "waiting";
  // a question without an answer is never sent
  if (halves(turns, index)[1]?.content === "") return "omitted";
  const mark = markOf(turns, index);
  if (mark !== "auto") return mark === "always" ? "sent" : "omitted";
  return index >= first ? "sent" : "omitted";
}

function firstSent(turns, context, hasOlder) {
  const index = turns.findIndex(({ id }) => id === context.first_sent_message_id);
  if (index >= 0) return index;
  return hasOlder || context.omitted_turns === 0 ? 0 : -1;
}

// Those above the divider. What isn't loaded can't be counted: then the server's number, less what
// was left out below.
function countOmitted(turns, rails, { seen, prompt, first, hasOlder }) {
  const omitted = (from, to) =>
    turns.slice(from, to).filter(({ id, role }) => role === "user" && rails.get(id) === "omitted").length;
  return hasOlder ? seen.context.omitted_turns - omitted(first, prompt) : omitted(0, first);
}
