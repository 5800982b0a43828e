import assert from "node:assert/strict";
import { test } from "node:test";
import { markOf, railOf, seenIn } from "../../web/static/js/models/rail.js";

const turn = (id, changes = {}) => ({
  id,
  role: id.startsWith("u") ? "user" : "assistant",
  content: "text",
  status: "completed",
  in_window: "auto",
  ...changes,
});
const TURNS = ["u1", "r1", "u2", "r2", "u3", "r3"].map((id) => turn(id));
const sent = (first, omitted) => ({
  promptId: "u3",
  replyId: "r3",
  context: { first_sent_message_id: first, omitted_turns: omitted },
});
const changed = (changes) => TURNS.map((each) => turn(each.id, changes[each.id]));
const rails = (...rest) => [...railOf(...rest).rails.values()];

test("turns before the first that was sent are omitted, with a divider that counts them", () => {
  const { divider } = railOf(TURNS, sent("u2", 5));
  assert.deepEqual(rails(TURNS, sent("u2", 5)), ["omitted", "omitted", "sent", "sent", "sent", "sent"]);
  assert.deepEqual(divider, { beforeId: "u2", turns: 1 }, "all are loaded: those in sight are counted");
});

test("where older turns aren't loaded the server's count holds, less those below the divider", () => {
  const left = changed({ u2: { in_window: "never" } });
  assert.equal(railOf(TURNS, sent("u2", 5), { hasOlder: true }).divider.turns, 5);
  assert.equal(railOf(left, sent("u2", 5), { hasOlder: true }).divider.turns, 4);
});

test("without a known window nothing is claimed", () => {
  assert.deepEqual(rails(TURNS, null), Array(6).fill("unknown"));
  assert.equal(railOf(TURNS, null).divider, null);
});

test("when all was sent there is no divider", () => {
  assert.deepEqual(rails(TURNS, sent("u1", 0)), Array(6).fill("sent"));
  assert.equal(railOf(TURNS, sent("u1", 0)).divider, null);
});

test("a first sent turn that isn't loaded means that all the loaded ones were sent", () => {
  assert.deepEqual(rails(TURNS, sent("elsewhere", 3), { hasOlder: true }), Array(6).fill("sent"));
  assert.deepEqual(rails(TURNS, sent("elsewhere", 3)), Array(6).fill("unknown"));
});

test("a reply being written is dashed, and what comes after its prompt waits", () => {
  const turns = [
    ...TURNS.slice(0, 5),
    turn("r3", { status: "pending", content: "" }),
    turn("u4"),
    turn("r4", { status: "pending", content: "" }),
  ];
  const isWriting = ({ id }) => id === "r3";
  assert.deepEqual(rails(turns, sent("u2", 1), { isWriting }).slice(4), [
    "sent",
    "writing",
    "waiting",
    "waiting",
  ]);
});

test("a turn is marked as a whole: pinned from anywhere, left out from everywhere", () => {
  const turns = changed({ u1: { in_window: "always" }, r2: { in_window: "never" } });
  assert.deepEqual(rails(turns, sent("u2", 1)), ["sent", "sent", "omitted", "omitted", "sent", "sent"]);
  assert.deepEqual(
    turns.map((_, index) => markOf(turns, index)),
    ["always", "always", "never", "never", "auto", "auto"],
  );
});

test("pinning the last omitted turn takes the divider away", () => {
  const pinned = changed({ r1: { in_window: "always" } });
  assert.equal(railOf(pinned, sent("u2", 1)).divider, null);
});

test("a question that was never answered is not sent, wherever it stands", () => {
  const turns = changed({ r2: { status: "failed", content: "" } });
  assert.deepEqual(rails(turns, sent("u1", 1)).slice(2, 4), ["omitted", "omitted"]);
});

test("what the model saw is known from the newest reply that says it, or from its job", () => {
  const context = { used: 1 };
  const jobs = { r3: { context: { used: 2 } } };
  const jobOf = ({ id }) => jobs[id] ?? null;
  const turns = changed({ r2: { context, parent_id: "u2" }, r3: { parent_id: "u3" } });
  assert.deepEqual(seenIn(turns.slice(0, 4), jobOf), { promptId: "u2", replyId: "r2", context });
  assert.equal(seenIn(turns, jobOf).replyId, "r3");
  assert.equal(seenIn(turns.slice(0, 2), jobOf), null);
});
