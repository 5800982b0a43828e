import assert from "node:assert/strict";
import { test } from "node:test";
import { Comparison } from "../../web/static/js/models/comparison.js";
import { Conversation } from "../../web/static/js/models/conversation.js";
import { Drafts } from "../../web/static/js/models/drafts.js";
import { FakeServer, FakeStorage } from "./fakes.js";

const FOR_EVER_MS = 1e9;

test("other models answer the same question beside the reply that is there", async () => {
  const { conversation } = await scene();
  const [question] = conversation.turns;
  await conversation.compare(question.id, ["a", "b"]);
  await settle();
  assert.deepEqual(
    conversation.comparison.replies.map(({ content, status }) => [content, status]),
    [
      ["echo uno", "completed"],
      ["again a", "completed"],
      ["again b", "completed"],
    ],
  );
  assert.deepEqual(
    conversation.visibleTurns.map(({ content }) => content),
    ["uno"],
    "what comes after the question stands in the comparison",
  );
});

test("the one that is chosen is the branch that goes on", async () => {
  const { conversation } = await scene();
  const [question, first] = conversation.turns;
  await conversation.send("dos", { model: "m" });
  await settle();
  await conversation.compare(question.id, ["a"]);
  await conversation.switchTo(first.id);
  assert.equal(conversation.comparison, null);
  assert.deepEqual(
    conversation.turns.map(({ content }) => content),
    ["uno", "echo uno", "dos", "echo dos"],
  );
});

test("stop means all of the replies that stand next to each other", async () => {
  const { conversation, server } = await scene();
  server.job = async (id) => ({ id, status: "in_progress", text: "", poll_after_ms: FOR_EVER_MS, attempts: [] });
  await conversation.compare(conversation.turns[0].id, ["a", "b"]);
  assert.equal(conversation.comparison.pending.length, 2);
  await conversation.stop(conversation.activeReply);
  assert.equal(server.cancelled.length, 2);
  conversation.close();
});

test("the next turn ends the comparison and hangs from the head", async () => {
  const { conversation } = await scene();
  await conversation.compare(conversation.turns[0].id, ["a"]);
  await settle();
  await conversation.send("dos", { model: "m" });
  await settle();
  assert.equal(conversation.comparison, null);
  assert.equal(conversation.turns.at(-1).content, "echo dos");
});

test("of many replies the newest are compared, and the one in view is among them", () => {
  const replies = ["a", "b", "c", "d"].map((id) => ({ id, status: "completed" }));
  const ids = (comparison) => comparison.replies.map(({ id }) => id);
  assert.deepEqual(ids(new Comparison("q", replies)), ["b", "c", "d"]);
  assert.deepEqual(ids(new Comparison("q", replies, "a")), ["a", "c", "d"]);
  assert.deepEqual(ids(new Comparison("q", replies, "c")), ["b", "c", "d"]);
});

async function scene() {
  const server = new FakeServer();
  let keys = 0;
  const environment = {
    setTimeout: (callback, ms) => (ms < FOR_EVER_MS / 2 ? setImmediate(callback) : null),
    clearTimeout: (timer) => clearImmediate(timer),
    random: () => 0.5,
    isHidden: () => false,
    isOnline: () => true,
    now: () => 0,
    newKey: () => `key-${(keys += 1)}`,
  };
  const drafts = new Drafts(new FakeStorage());
  const conversation = new Conversation("c1", { api: server, drafts, environment });
  await conversation.load();
  await conversation.send("uno", { model: "m" });
  await settle();
  return { server, conversation };
}

async function settle() {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
