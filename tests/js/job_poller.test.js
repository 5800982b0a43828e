import assert from "node:assert/strict";
import { test } from "node:test";
import { applyPoll, backoffMs, JobPoller, paceMs } from "../../web/static/js/models/job_poller.js";

const NOTHING = { job: null, cursor: null, text: "", faded: null };

const job = (changes = {}) => ({
  status: "in_progress",
  text: "",
  cursor: "c",
  reset: false,
  poll_after_ms: 100,
  ...changes,
});

test("without a cursor the whole text so far is the text", () => {
  assert.equal(applyPoll(NOTHING, job({ text: "so far" })).text, "so far");
});

test("with a cursor the new text is added", () => {
  const known = applyPoll(NOTHING, job({ text: "one ", cursor: "1" }));
  assert.equal(applyPoll(known, job({ text: "two", cursor: "2" })).text, "one two");
});

test("a reset keeps the lost text dimmed until the first new text", () => {
  let known = applyPoll(NOTHING, job({ text: "old", cursor: "1" }));
  known = applyPoll(known, job({ reset: true, cursor: "2" }));
  assert.deepEqual([known.text, known.faded], ["", "old"]);
  known = applyPoll(known, job({ cursor: "3" }));
  assert.equal(known.faded, "old");
  known = applyPoll(known, job({ text: "new", cursor: "4" }));
  assert.deepEqual([known.text, known.faded], ["new", null]);
});

test("an attempt that ends without text leaves nothing of the lost one", () => {
  let known = applyPoll(NOTHING, job({ text: "old", cursor: "1" }));
  known = applyPoll(known, job({ reset: true, status: "failed", cursor: "2" }));
  assert.deepEqual([known.text, known.faded], ["", null]);
});

test("the pace is the server's within a tenth, and slow in a hidden tab", () => {
  const slow = { random: () => 0, isHidden: false };
  const quick = { random: () => 1, isHidden: false };
  assert.equal(paceMs(job({ poll_after_ms: 1000 }), slow), 900);
  assert.equal(paceMs(job({ poll_after_ms: 1000 }), quick), 1100);
  assert.equal(paceMs(job({ poll_after_ms: 150 }), { random: () => 0.5, isHidden: true }), 10_000);
});

test("failures back off with full jitter up to 30 s, never below Retry-After", () => {
  assert.equal(
    backoffMs(1, 0, () => 1),
    1000,
  );
  assert.equal(
    backoffMs(20, 0, () => 1),
    30_000,
  );
  assert.equal(
    backoffMs(20, 0, () => 0),
    0,
  );
  assert.equal(
    backoffMs(1, 45_000, () => 0),
    45_000,
  );
});

test("it asks with the last cursor, at the server's pace, until the job has ended", async () => {
  const scene = play([
    job({ text: "a", cursor: "1" }),
    job({ text: "b", cursor: "2", status: "completed" }),
  ]);
  await scene.run();
  assert.deepEqual(scene.cursors, [null, "1"]);
  assert.deepEqual(scene.waits, [100]);
  assert.deepEqual(scene.heard, ["changed a", "changed ab", "ended ab"]);
});

test("trouble is told once, and recovery too; nothing is lost in between", async () => {
  const scene = play([
    job({ text: "a", cursor: "1" }),
    failure(0),
    failure(503),
    job({ text: "b", cursor: "2", status: "completed" }),
  ]);
  await scene.run();
  assert.deepEqual(scene.cursors, [null, "1", "1", "1"]);
  assert.deepEqual(scene.heard, ["changed a", "trouble 0", "recovered", "changed ab", "ended ab"]);
});

test("a refused cursor is given up for the whole text", async () => {
  const scene = play([
    job({ text: "a", cursor: "1" }),
    failure(422),
    job({ text: "ab", cursor: "2", status: "completed" }),
  ]);
  await scene.run();
  assert.deepEqual(scene.cursors, [null, "1", null]);
  assert.equal(scene.heard.at(-1), "ended ab");
});

test("a job that is gone, or somebody else's, ends the following", async () => {
  for (const status of [401, 404]) {
    const scene = play([failure(status)]);
    await scene.run();
    assert.deepEqual(scene.heard, [`gone ${status}`]);
    assert.equal(scene.waits.length, 0);
  }
});

test("waking asks at once, but never twice at a time", async () => {
  const scene = play([job({ cursor: "1" }), job({ cursor: "2", status: "completed" })]);
  scene.poller.start();
  scene.poller.wake();
  await settle();
  assert.deepEqual(scene.cursors, [null]);
  scene.poller.wake();
  await settle();
  assert.deepEqual(scene.cursors, [null, "1"]);
});

test("a stopped poller neither asks nor speaks", async () => {
  const scene = play([job({ cursor: "1" }), job({ cursor: "2" })]);
  scene.poller.start();
  scene.poller.stop();
  await scene.run({ started: true });
  assert.deepEqual(scene.heard, []);
  assert.equal(scene.cursors.length, 1);
});

/** A poller over answers in turn; `run` lets every timer fire as soon as it is set. */
function play(answers) {
  const scene = { cursors: [], waits: [], heard: [], timers: [] };
  const environment = {
    setTimeout: (callback, ms) => {
      scene.waits.push(ms);
      scene.timers.push(callback);
      return callback;
    },
    clearTimeout: (timer) => {
      scene.timers = scene.timers.filter((each) => each !== timer);
    },
    random: () => 0.5,
    isHidden: () => false,
  };
  const fetchJob = async (_id, { cursor }) => {
    scene.cursors.push(cursor);
    const answer = answers[scene.cursors.length - 1];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const listener = {
    changed: ({ text }) => scene.heard.push(`changed ${text}`),
    ended: ({ text }) => scene.heard.push(`ended ${text}`),
    trouble: ({ status }) => scene.heard.push(`trouble ${status}`),
    recovered: () => scene.heard.push("recovered"),
    gone: ({ status }) => scene.heard.push(`gone ${status}`),
  };
  scene.poller = new JobPoller("job", fetchJob, listener, environment);
  scene.run = async ({ started = false } = {}) => {
    if (!started) scene.poller.start();
    await settle();
    while (scene.timers.length > 0) {
      scene.timers.shift()();
      await settle();
    }
  };
  return scene;
}

function failure(status) {
  return Object.assign(new Error(String(status)), { status, retryAfterMs: 0 });
}

function settle() {
  return new Promise((resolve) => setImmediate(resolve));
}
