import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../web/static/js/api_error.js";
import { Conversation } from "../../web/static/js/models/conversation.js";
import { Drafts } from "../../web/static/js/models/drafts.js";
import { FakeServer, FakeStorage } from "./fakes.js";

test("the first message makes the conversation and is followed to its end", async () => {
  const { server, conversation, heard } = scene(null);
  await conversation.send("hola", { model: "m" });
  await settle();
  assert.equal(conversation.id, "c1");
  assert.deepEqual(
    conversation.turns.map(({ role, content, status }) => [role, content, status]),
    [
      ["user", "hola", "completed"],
      ["assistant", "echo hola", "completed"],
    ],
  );
  assert.deepEqual(
    heard.filter((type) => ["created", "accepted", "ended"].includes(type)),
    ["created", "accepted", "ended"],
  );
  assert.deepEqual(server.created, [{ model: "m" }]);
});

test("a passing failure is tried again with the same keys and the same body", async () => {
  const { server, conversation } = scene(null);
  server.failures = [new ApiError({ status: 0 }), new ApiError({ status: 503 })];
  await conversation.send("hola", { model: "m" });
  assert.equal(conversation.pending, null);
  assert.equal(new Set(server.keysOfPosts).size, 1);
  assert.equal(server.posts.length, 1, "one turn was made");
});

test("a refusal is told at once, keeps the text, and can be taken back", async () => {
  const { server, conversation, drafts } = scene("c1");
  await conversation.load();
  server.failures = [new ApiError({ status: 422, code: "turn_too_long", detail: "too long" })];
  await conversation.send("hola", { model: "m" });
  assert.equal(conversation.pending.error.sentence, "too long");
  assert.equal(drafts.outgoing("c1").content, "hola");
  assert.equal(conversation.takeBack(), "hola");
  assert.equal(drafts.outgoing("c1"), null);
});

test("who is told to come back in hours learns why at once, and nothing is sent again", async () => {
  const { server, conversation } = scene("c1");
  await conversation.load();
  const spent = { status: 429, code: "tokens_spent", detail: "spent", retryAfterMs: 5 * 3_600_000 };
  server.failures = [new ApiError(spent)];
  await conversation.send("hola", { model: "m" });
  assert.equal(conversation.pending.error.sentence, "spent");
  assert.equal(server.posts.length, 0);
});

test("a message whose answer was never seen is sent again after a reload, with its key", async () => {
  const storage = new FakeStorage();
  const server = new FakeServer();
  const before = scene("c1", { storage, server });
  await before.conversation.load();
  server.answersAreLost = true;
  before.conversation.send("hola", { model: "m" });
  await settle();
  before.conversation.close();
  server.answersAreLost = false;
  const after = scene("c1", { storage, server });
  await after.conversation.load();
  await settle();
  assert.equal(after.conversation.pending, null);
  assert.equal(after.drafts.outgoing("c1"), null);
  assert.equal(server.posts.length, 1, "one turn was made");
});

test("an old unconfirmed message waits for a decision", async () => {
  const { server, conversation, drafts } = scene("c1", { now: () => 10 * 60_000 });
  drafts.keepOutgoing("c1", { body: { content: "vieja" }, key: "k", sentAt: 0 });
  await conversation.load();
  await settle();
  assert.equal(conversation.pending.error.code, "unconfirmed");
  conversation.wake();
  await settle();
  assert.equal(server.posts.length, 0);
});

test("an edit replaces what came after its parent and hides it while it is sent", async () => {
  const { conversation } = scene("c1");
  await conversation.load();
  await conversation.send("uno", { model: "m" });
  await settle();
  await conversation.send("dos", { model: "m" });
  await settle();
  const second = conversation.turns[2];
  const sending = conversation.send("dos, mejor", { model: "m", parentId: second.parent_id });
  assert.deepEqual(
    conversation.visibleTurns.map(({ content }) => content),
    ["uno", "echo uno"],
  );
  await sending;
  await settle();
  assert.deepEqual(
    conversation.turns.map(({ content }) => content),
    ["uno", "echo uno", "dos, mejor", "echo dos, mejor"],
  );
});

test("an edit of the first turn starts the branch anew", async () => {
  const { conversation } = scene("c1");
  await conversation.load();
  await conversation.send("uno", { model: "m" });
  await settle();
  await conversation.send("otro", { model: "m", parentId: conversation.turns[0].parent_id });
  await settle();
  assert.deepEqual(
    conversation.turns.map(({ content }) => content),
    ["otro", "echo otro"],
  );
});

test("regenerating puts a new reply in the old one's place", async () => {
  const { conversation } = scene("c1");
  await conversation.load();
  await conversation.send("uno", { model: "m" });
  await settle();
  const [user, reply] = conversation.turns;
  await conversation.regenerate(user.id, { model: "n" });
  await settle();
  assert.equal(conversation.turns.length, 2);
  assert.notEqual(conversation.turns[1].id, reply.id);
});

test("a turn is told to be accepted, too, when another tab has moved the branch meanwhile", async () => {
  const { server, conversation, heard } = scene("c1");
  server.addPending("c1", "antes", ["ya"]);
  await conversation.load();
  await settle();
  server.addPending("c1", "en otra pestaña", ["ya"]);
  await conversation.send("aquí", {});
  assert.deepEqual(
    conversation.turns.map(({ content }) => content).filter((content) => content !== "ya"),
    ["antes", "en otra pestaña", "aquí", "echo aquí"],
  );
  assert.equal(heard.filter((type) => type === "accepted").length, 1);
});

test("loading goes on with a reply that is being written", async () => {
  const server = new FakeServer();
  server.addPending("c1", "pregunta", ["una ", "parte"]);
  const { conversation } = scene("c1", { server });
  await conversation.load();
  await settle();
  await settle();
  assert.equal(conversation.turns[1].content, "una parte");
  assert.equal(conversation.activeReply, null);
});

test("a job that is gone is asked about once, and the branch is loaded anew", async () => {
  const server = new FakeServer();
  server.addPending("c1", "pregunta", ["nunca"]);
  let asked = 0;
  server.job = async () => {
    asked += 1;
    throw new ApiError({ status: 404 });
  };
  const { conversation } = scene("c1", { server });
  await conversation.load();
  await settle();
  await settle();
  assert.equal(asked, 1);
  assert.equal(conversation.turns.length, 2);
});

test("who has gone on before the answer came learns of the job, and nothing is followed", async () => {
  const { server, conversation, drafts } = scene(null);
  let polls = 0;
  server.job = async () => (polls += 1);
  const asked = [];
  conversation.addEventListener("asked", ({ detail: job }) => asked.push(job.conversation_id));
  const sending = conversation.send("hola", {});
  conversation.close();
  await sending;
  await settle();
  assert.deepEqual(asked, ["c1"]);
  assert.deepEqual(drafts.outgoingIds(), []);
  assert.equal(polls, 0);
});

test("a closed conversation speaks no more", async () => {
  const { conversation, heard } = scene("c1");
  const loading = conversation.load();
  conversation.close();
  await loading;
  assert.deepEqual(heard, []);
});

function scene(id, { storage = new FakeStorage(), server = new FakeServer(), now = () => 0 } = {}) {
  let keys = 0;
  const drafts = new Drafts(storage);
  const environment = {
    setTimeout: (callback) => setImmediate(callback),
    clearTimeout: (timer) => clearImmediate(timer),
    random: () => 0.5,
    isHidden: () => false,
    isOnline: () => true,
    now,
    newKey: () => `key-${(keys += 1)}`,
  };
  const conversation = new Conversation(id, { api: server, drafts, environment });
  const heard = [];
  for (const type of ["info", "created", "turns", "reply", "accepted", "ended", "failure"]) {
    conversation.addEventListener(type, () => heard.push(type));
  }
  return { server, conversation, drafts, heard };
}

async function settle() {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
