import assert from "node:assert/strict";
import { test } from "node:test";
import { railOf } from "../../web/static/js/models/rail.js";

const turn = (id, changes = {}) => ({ id, status: "completed", in_window: "auto", ...changes });
const TURNS = ["u1", "r1", "u2", "r2", "u3", "r3"].map((id) => turn(id));
const sent = (first, omitted) => ({
  prompt_message_id: "u3",
  message_id: "r3",
  context: { first_sent_message_id: first, omitted_turns: omitted },
});
const rails = (...rest) => [...railOf(...rest).rails.values()];

test("turns before the first that was sent are omitted, with a divider that counts them", () => {
  const { divider } = railOf(TURNS, sent("u2", 5));
  assert.deepEqual(rails(TURNS, sent("u2", 5)), ["omitted", "omitted", "sent", "sent", "sent", "sent"]);
  assert.deepEqual(divider, { beforeId: "u2", turns: 5 });
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
    turn("r3", { status: "pending" }),
    turn("u4"),
    turn("r4", { status: "pending" }),
  ];
  const isWriting = ({ id }) => id === "r3";
  assert.deepEqual(rails(turns, sent("u2", 1), { isWriting }).slice(4), [
    "sent",
    "writing",
    "waiting",
    "waiting",
  ]);
});

test("pinned turns are sent from anywhere, excluded ones from nowhere", () => {
  const turns = [
    turn("u1", { in_window: "always" }),
    turn("r1"),
    turn("u2"),
    turn("r2", { in_window: "never" }),
    turn("u3"),
    turn("r3"),
  ];
  assert.deepEqual(rails(turns, sent("u2", 1)), ["sent", "omitted", "sent", "omitted", "sent", "sent"]);
});
