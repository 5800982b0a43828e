// Everything that shows turns, in one: an empty page needs none of it, so it is fetched when there
// is a first turn to show, or when a person begins to write one.

export { ComparisonView } from "./comparison_view.js";
export { PendingTurn } from "./pending_turn.js";
export { ReplyTurn } from "./reply_turn.js";
export { UserTurn } from "./user_turn.js";
export { WindowDivider } from "./window_divider.js";
