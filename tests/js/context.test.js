import assert from "node:assert/strict";
import { test } from "node:test";
import { WindowGauge, added, fullness } from "../../web/static/js/models/context.js";

const EACH = 4; // what a message takes beside its text
const turn = (id, tokens, changes = {}) => ({
  id,
  role: id.startsWith("u") ? "user" : "assistant",
  token_count: tokens,
  in_window: "auto",
  ...changes,
});
const seen = (replyId, used = 1000) => ({
  replyId,
  context: { window: 10_000, used, omitted_turns: 3 },
});
const railsOf = (turns, omitted) =>
  new Map(turns.map(({ id }) => [id, omitted.includes(id) ? "omitted" : "sent"]));

test("nothing is said of a window that isn't known", () => {
  assert.equal(fullness([], null), null);
});

test("a pin counts with both halves of its turn, whichever is marked", () => {
  const turns = [turn("u1", 100), turn("r1", 50, { in_window: "always" }), turn("u2", 7), turn("r2", 7)];
  const full = fullness(turns, seen("r2"));
  assert.deepEqual([full.pinnedTurns, full.pinnedTokens], [1, 150 + 2 * EACH]);
  assert.deepEqual([full.used, full.share, full.omitted], [1000, 0.1, 3]);
});

test("what is pinned after the model was asked counts at once, and no longer when it is let go", () => {
  const turns = [turn("u1", 100), turn("r1", 50), turn("u2", 7), turn("r2", 7)];
  const gauge = new WindowGauge();
  const before = gauge.read(turns, seen("r2"), railsOf(turns, ["u1", "r1"]));
  const pinned = gauge.read(turns, seen("r2"), railsOf(turns, []));
  const free = gauge.read(turns, seen("r2"), railsOf(turns, ["u1", "r1"]));
  assert.deepEqual([before.used, pinned.used, free.used], [1000, 1150 + 2 * EACH, 1000]);
});

test("a newer answer of the server is the truth again", () => {
  const turns = [turn("u1", 100), turn("r1", 50)];
  const gauge = new WindowGauge();
  gauge.read(turns, seen("r1"), railsOf(turns, ["u1", "r1"]));
  gauge.read(turns, seen("r1"), railsOf(turns, []));
  assert.equal(gauge.read(turns, seen("r2", 1500), railsOf(turns, [])).used, 1500);
});

test("older turns that are loaded later change nothing", () => {
  const newer = [turn("u2", 7), turn("r2", 7)];
  const all = [turn("u1", 100), turn("r1", 50), ...newer];
  const gauge = new WindowGauge();
  gauge.read(newer, seen("r2"), railsOf(newer, []));
  assert.equal(gauge.read(all, seen("r2"), railsOf(all, [])).used, 1000);
});

test("usages add up, and a cost that nobody knows stays unknown", () => {
  const usage = (cost) => ({ input_tokens: 10, output_tokens: 5, cost });
  assert.deepEqual(added(usage(0.5), usage(0.25)), { input_tokens: 20, output_tokens: 10, cost: 0.75 });
  assert.equal(added(usage(null), usage(null)).cost, null);
  assert.equal(added(usage(0.5), usage(null)).cost, 0.5);
  assert.deepEqual(added(null, usage(1)), usage(1));
  assert.equal(added(null, undefined), null);
});
