// A turn that finds no line waits for one, over a reload too, and is sent once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../web/static/js/api_error.js";
import { Drafts } from "../../web/static/js/models/drafts.js";
import { Outbox } from "../../web/static/js/models/outbox.js";
import { Sending } from "../../web/static/js/models/sending.js";
import { FakeServer, FakeStorage } from "./fakes.js";

test("written offline it isn't tried, and is sent once when the line is back", async () => {
  const { server, sending, line } = scene("c1");
  line.isUp = false;
  await sending.send("hola", {});
  assert.equal(sending.pending.error.code, "offline");
  assert.equal(server.keysOfPosts.length, 0);
  line.isUp = true;
  sending.wake();
  sending.wake();
  await settle();
  assert.equal(sending.pending, null);
  assert.deepEqual(server.keysOfPosts.length, 1);
});

test("hours after a reload it is still sent, because its person was told so", async () => {
  const { storage, sending, line } = scene("c1");
  line.isUp = false;
  await sending.send("hola", {});
  const after = scene("c1", { storage, now: () => 9 * 3_600_000 });
  await after.sending.resume();
  assert.deepEqual(after.server.posts, [{ content: "hola" }]);
});

test("a server that doesn't answer is a line that is down", async () => {
  const { server, sending } = scene("c1");
  server.failures = [0, 0, 0].map((status) => new ApiError({ status }));
  await sending.send("hola", {});
  assert.ok(sending.pending.isHeld);
  sending.wake();
  await settle();
  assert.equal(server.posts.length, 1);
  assert.equal(new Set(server.keysOfPosts).size, 1);
});

test("a turn that was refused isn't sent again by itself", async () => {
  const { server, sending } = scene("c1");
  server.failures = [new ApiError({ status: 422, code: "turn_too_long" })];
  await sending.send("hola", {});
  sending.wake();
  await settle();
  assert.equal(server.posts.length, 0);
});

test("the outbox sends what waits elsewhere, a new conversation too, and each once", async () => {
  const { storage, server, drafts, environment, line } = scene("c2");
  line.isUp = false;
  for (const id of ["c1", "c2", null]) {
    const { sending } = scene(id, { storage, line, prefix: `${id}-` });
    await sending.send(`en ${id}`, { settings: { params: { temperature: 1 } } });
  }
  const heard = [];
  const outbox = new Outbox(
    { api: server, drafts, environment },
    { created: ({ id }) => heard.push(`created ${id}`), accepted: (job) => heard.push(`accepted ${job.conversation_id}`) },
  );
  await outbox.flush("c2");
  assert.deepEqual(heard, []);
  line.isUp = true;
  await Promise.all([outbox.flush("c2"), outbox.flush("c2")]);
  assert.deepEqual(server.posts.map(({ content }) => content).toSorted(), ["en c1", "en null"]);
  assert.deepEqual(server.created, [{ params: { temperature: 1 } }]);
  assert.deepEqual(drafts.outgoingIds(), ["c2"]);
  assert.deepEqual(heard.toSorted(), ["accepted c1", "accepted c1", "created c1"]);
});

test("a turn with files is pinned, a turn without is the window's business", async () => {
  const { server, sending } = scene("c1");
  await sending.send("con", { isPinned: true });
  await sending.send("sin", {});
  assert.deepEqual(server.posts, [{ content: "con", in_window: "always" }, { content: "sin" }]);
});

function scene(
  id,
  { storage = new FakeStorage(), now = () => 0, line = { isUp: true }, prefix = "" } = {},
) {
  let keys = 0;
  const server = new FakeServer();
  const drafts = new Drafts(storage);
  const environment = {
    setTimeout: (callback) => setImmediate(callback),
    isOnline: () => line.isUp,
    now,
    newKey: () => `${prefix}key-${(keys += 1)}`,
  };
  const sending = new Sending(
    id,
    { api: server, drafts, environment },
    { changed: () => {}, created: () => {}, accepted: () => {} },
  );
  return { storage, server, drafts, environment, sending, line };
}

async function settle() {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
