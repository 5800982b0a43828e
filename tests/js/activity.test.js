// What goes on in all conversations, and what a tab asks for it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../web/static/js/api_error.js";
import { Activity } from "../../web/static/js/models/activity.js";
import { Memory } from "../../web/static/js/models/memory.js";
import { FakeStorage } from "./fakes.js";

test("what runs and waits is known for every conversation, and a writing one counts first", async () => {
  const { activity, server } = scene();
  server.jobs = [job("j1", "a", "queued"), job("j2", "a", "in_progress"), job("j3", "b", "queued")];
  server.jobs.push(job("j4", "c", "in_progress", "title"), job("j5", "d", "queued", "ask"));
  await ask(activity);
  assert.deepEqual(["a", "b", "c", "d"].map((id) => activity.stateOf(id)), [
    "writing",
    "waiting",
    null,
    null,
  ]);
});

test("what ends while nobody looks stays marked until somebody does", async () => {
  const { activity, server, heard } = scene();
  server.jobs = [job("j1", "a", "in_progress"), job("j2", "b", "queued"), job("j3", "c", "queued")];
  await ask(activity);
  server.jobs = [];
  server.ended = { j1: "completed", j2: "failed", j3: "cancelled" };
  await ask(activity);
  assert.deepEqual(["a", "b", "c"].map((id) => activity.stateOf(id)), ["finished", "failed", null]);
  assert.equal(activity.unseen, 2);
  activity.see("a");
  assert.equal(activity.unseen, 1);
  assert.deepEqual(heard.filter((what) => what.startsWith("ended")), ["ended a", "ended b", "ended c"]);
});

test("what a person looks at isn't marked, and a title that has come marks nothing", async () => {
  const { activity, server, heard } = scene({ isLookedAt: (id) => id === "a" });
  server.jobs = [job("j1", "a", "in_progress"), job("j2", "b", "queued", "title")];
  await ask(activity);
  server.jobs = [];
  await ask(activity);
  assert.equal(activity.unseen, 0);
  assert.equal(server.askedJobs, 0);
  assert.deepEqual(heard.filter((what) => what.startsWith("ended")), ["ended a", "ended b"]);
});

test("what ended with the browser closed is told when it is opened", async () => {
  const storage = new FakeStorage();
  const before = scene({ storage });
  before.server.jobs = [job("j1", "a", "in_progress")];
  await ask(before.activity);
  const after = scene({ storage });
  after.server.ended = { j1: "completed" };
  await ask(after.activity);
  assert.equal(after.activity.stateOf("a"), "finished");
});

test("what was just accepted is told of even if the tab is closed before it has asked", async () => {
  const storage = new FakeStorage();
  const before = scene({ storage });
  before.server.activeJobs = () => new Promise(() => {});
  before.activity.start();
  before.activity.learn(job("j1", "a", "queued"));
  assert.equal(before.activity.stateOf("a"), "waiting");
  const after = scene({ storage });
  after.server.ended = { j1: "failed" };
  await ask(after.activity);
  assert.equal(after.activity.stateOf("a"), "failed");
});

test("an answer from before a job was accepted doesn't end it, nor does it hide its end", async () => {
  const { activity, server, heard } = scene();
  server.jobs = [];
  activity.start();
  activity.learn(job("j1", "a", "queued"));
  assert.equal(activity.stateOf("a"), "waiting");
  server.ended = { j1: "completed" };
  await settle();
  assert.deepEqual(server.etags, [null, null]);
  assert.equal(activity.stateOf("a"), "finished");
  assert.deepEqual(heard, ["ended a"]);
});

test("what another tab knows to run ends here too, though the server's answer is the same", async () => {
  const storage = new FakeStorage();
  const { activity, server } = scene({ storage });
  server.jobs = [];
  await ask(activity);
  const running = { j1: { conversationId: "a", kind: "reply", status: "in_progress" } };
  new Memory(storage).write("activity", { running, unseen: {} });
  activity.reread();
  assert.equal(activity.stateOf("a"), "writing");
  server.ended = { j1: "completed" };
  await ask(activity);
  assert.equal(activity.stateOf("a"), "finished");
});

test("how a job ended is asked about again if the line fails, and not if it is gone", async () => {
  const { activity, server } = scene();
  server.jobs = [job("j1", "a", "queued"), job("j2", "b", "queued")];
  await ask(activity);
  server.jobs = [];
  server.ended = { j1: new ApiError({ status: 404 }), j2: new ApiError({ status: 503 }) };
  await ask(activity);
  assert.deepEqual(["a", "b"].map((id) => activity.stateOf(id)), [null, "waiting"]);
  server.ended.j2 = "completed";
  await ask(activity);
  assert.equal(activity.stateOf("b"), "finished");
  assert.equal(server.askedJobs, 3);
});

test("an unchanged answer is known by its ETag", async () => {
  const { activity, server } = scene();
  server.jobs = [job("j1", "a", "queued")];
  await ask(activity);
  await ask(activity);
  assert.deepEqual(server.etags, [null, "e1"]);
  assert.equal(activity.stateOf("a"), "waiting");
});

test("in an hour a hidden tab with nothing to tell asks once, a busy one 180 times", async () => {
  const calls = async (jobs) => {
    const { activity, server, clock } = scene({ isHidden: true });
    server.jobs = jobs;
    activity.start();
    await clock.run(3_600_000);
    return server.etags.length;
  };
  assert.equal(await calls([]), 1);
  assert.equal(await calls([job("j1", "a", "in_progress")]), 180);
});

test("a line that is down is told once, asked about less and less, and told when it is back", async () => {
  const { activity, server, heard, clock } = scene();
  server.failure = new ApiError({ status: 0 });
  activity.start();
  await clock.run(120_000);
  const tries = server.etags.length;
  assert.ok(tries > 2 && tries < 20, `${tries} tries`);
  server.failure = null;
  await clock.run(40_000);
  assert.deepEqual(heard.filter((what) => what === "lost" || what === "back"), ["lost", "back"]);
});

test("a wish to ask that comes while an answer is on its way is granted after it", async () => {
  const { activity, server } = scene();
  activity.start();
  activity.wake();
  activity.wake();
  await settle();
  assert.equal(server.etags.length, 2);
});

function job(id, conversationId, status, kind = "reply") {
  return { id, conversation_id: conversationId, status, kind };
}

async function ask(activity) {
  activity.wake();
  await settle();
}

function scene({ storage = new FakeStorage(), isHidden = false, isLookedAt = () => false } = {}) {
  const server = new FakeJobs();
  const clock = new FakeClock();
  const activity = new Activity({
    api: server,
    memory: new Memory(storage),
    environment: {
      setTimeout: (callback, ms) => clock.set(callback, ms),
      clearTimeout: (timer) => clock.clear(timer),
      random: () => 0.5,
      isHidden: () => isHidden,
    },
    isLookedAt,
  });
  const heard = [];
  for (const type of ["started", "ended", "lost", "back"]) {
    activity.addEventListener(type, ({ detail }) =>
      heard.push(detail ? `${type} ${detail.conversationId}` : type),
    );
  }
  return { activity, server, clock, heard };
}

class FakeJobs {
  jobs = [];
  ended = {};
  etags = [];
  askedJobs = 0;
  failure = null;
  #shown = null;

  async activeJobs(etag) {
    this.etags.push(etag);
    if (this.failure) throw this.failure;
    const isSame = etag !== null && this.#shown === this.jobs;
    this.#shown = this.jobs;
    return { data: isSame ? null : this.jobs, etag: "e1" };
  }

  async job(id) {
    this.askedJobs += 1;
    if (this.ended[id] instanceof ApiError) throw this.ended[id];
    return { id, status: this.ended[id] };
  }
}

/** Time that passes when a test says so. */
class FakeClock {
  #now = 0;
  #timers = new Map();
  #count = 0;

  set(callback, ms) {
    this.#count += 1;
    this.#timers.set(this.#count, { callback, at: this.#now + ms });
    return this.#count;
  }

  clear(timer) {
    this.#timers.delete(timer);
  }

  async run(ms) {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const [next] = [...this.#timers].sort((one, other) => one[1].at - other[1].at);
      if (!next || next[1].at >= end) break;
      this.#timers.delete(next[0]);
      this.#now = next[1].at;
      next[1].callback();
    }
    this.#now = end;
  }
}

async function settle() {
  for (let turn = 0; turn < 8; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
