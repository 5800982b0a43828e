// How full the model's window is: what was sent with the newest turn, what pins take of it, and
// what has changed by hand since. Pure. Tokens as the server counts them.

import { halves, markOf } from "./rail.js";

// what every message takes beside its text, as the server counts it
const TOKENS_PER_MESSAGE = 4;

/**
 * `seen` is what seenIn gives, `changed` the tokens that marks set since then add or take away.
 * {window, used, share, omitted, pinnedTurns, pinnedTokens}, or null while nothing is known.
 */
export function fullness(turns, seen, changed = 0) {
  if (!seen) return null;
  const { window, used, omitted_turns: omitted } = seen.context;
  const pinned = turns.filter((turn, index) => turn.role === "user" && markOf(turns, index) === "always");
  const now = Math.max(0, used + changed);
  return {
    window,
    used: now,
    share: Math.min(1, now / window),
    omitted,
    pinnedTurns: pinned.length,
    pinnedTokens: pinned
      .flatMap((turn) => halves(turns, turns.indexOf(turn)))
      .reduce((sum, half) => sum + (half ? tokensOf(half) : 0), 0),
  };
}

/**
 * Reads the fullness again and again, and notices what a person's marks have changed since the
 * model was last asked: a pin counts at once.
 */
export class WindowGauge {
  #replyId = null;
  #rails = new Map();

  /** `rails` is what railOf gives for `turns`. */
  read(turns, seen, rails) {
    if (this.#replyId !== (seen?.replyId ?? null)) this.#rails.clear();
    this.#replyId = seen?.replyId ?? null;
    let changed = 0;
    for (const turn of turns) {
      const rail = rails.get(turn.id);
      if (!this.#rails.has(turn.id)) this.#rails.set(turn.id, rail);
      const was = this.#rails.get(turn.id);
      changed += (Number(rail === "sent") - Number(was === "sent")) * tokensOf(turn);
    }
    return fullness(turns, seen, changed);
  }
}

/** Two usages in one; either may be null, and so may a cost that nobody knows. */
export function added(one, other) {
  if (!one || !other) return one ?? other ?? null;
  const costs = [one.cost, other.cost].filter((cost) => cost !== null && cost !== undefined);
  return {
    input_tokens: one.input_tokens + other.input_tokens,
    output_tokens: one.output_tokens + other.output_tokens,
    cost: costs.length > 0 ? costs.reduce((sum, cost) => sum + cost, 0) : null,
  };
}

function tokensOf(turn) {
  return (turn.token_count ?? 0) + TOKENS_PER_MESSAGE;
}
