// What the model saw. Pure: the turns of the branch and the newest job whose window is known give
// each turn its rail and the place of the divider.

/**
 * `turns` are messages, oldest first; `job` is a job with a `context`, or null; `hasOlder` says
 * that the branch has older turns that aren't loaded.
 * Returns {rails: Map of id to "sent" | "omitted" | "waiting" | "writing" | "unknown",
 * divider: {beforeId, turns} | null}.
 */
export function railOf(turns, job, { hasOlder = false, isWriting = () => false } = {}) {
  const prompt = job?.context ? turns.findIndex(({ id }) => id === job.prompt_message_id) : -1;
  const first = prompt < 0 ? -1 : firstSent(turns, job.context, hasOlder);
  const rails = new Map();
  turns.forEach((turn, index) => {
    rails.set(turn.id, railOfTurn(turn, index, { job, prompt, first, isWriting }));
  });
  const hasDivider = first > 0 && job.context.omitted_turns > 0;
  return {
    rails,
    divider: hasDivider ? { beforeId: turns[first].id, turns: job.context.omitted_turns } : null,
  };
}

function railOfTurn(turn, index, { job, prompt, first, isWriting }) {
  if (turn.status === "pending") return isWriting(turn) ? "writing" : "waiting";
  if (first < 0) return "unknown";
  if (turn.id === job.message_id) return "sent";
  if (index > prompt) return "waiting";
  if (turn.in_window === "never") return "omitted";
  if (turn.in_window === "always") return "sent";
  return index >= first ? "sent" : "omitted";
}

function firstSent(turns, context, hasOlder) {
  const index = turns.findIndex(({ id }) => id === context.first_sent_message_id);
  if (index >= 0) return index;
  return hasOlder || context.omitted_turns === 0 ? 0 : -1;
}
