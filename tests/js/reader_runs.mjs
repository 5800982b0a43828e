// Pages that follow jobs with the browser's own parts (Api, JobPoller, applyPoll) over real HTTP.
//
//   node tests/js/reader_runs.mjs http://127.0.0.1:PORT < jobs
//
// Follows every {"id", "seed"} that comes, one a line, at once. Says a line when it has ended: {"id",
// "status", "text", "pages"}, where each page is what it showed in turn, as [attempt, text]. A page
// is looked at, hidden, woken and loaded anew by the seed's chance.

import { createInterface } from "node:readline";

const BASE = process.argv[2];
// A hurried page: what is more than a quarter of a second passes twenty times as fast. It still
// backs off, or a slow machine would drown in what it asks again.
const UNHURRIED_MS = 250;
const HASTE = 20;
const API_PATIENCE_MS = 30_000;
const PATIENCE_MS = 3000;

const wait = globalThis.setTimeout;
globalThis.setTimeout = (callback, ms, ...rest) =>
  wait(callback, ms === API_PATIENCE_MS ? PATIENCE_MS : ms, ...rest);
// Node has no page that "/" could be relative to.
globalThis.Request = class extends Request {
  constructor(input, init) {
    super(typeof input === "string" ? new URL(input, BASE) : input, init);
  }
};

// after the two lines above: axios takes both as it loads
const { Api } = await import("../../web/static/js/api.js");
const { JobPoller } = await import("../../web/static/js/models/job_poller.js");

const api = new Api();
for await (const line of createInterface({ input: process.stdin })) follow(JSON.parse(line));

function follow({ id, seed }) {
  const random = seeded(seed);
  const pages = [];
  let isOver = false;
  const environment = {
    setTimeout: (callback, ms) => wait(callback, hurried(ms)),
    clearTimeout,
    random,
    isHidden: () => random() < 0.05,
  };

  const load = () => {
    const shown = [];
    pages.push(shown);
    const poller = new JobPoller(
      id,
      (jobId, where) => api.job(jobId, where),
      {
        changed: ({ job, text }) => shown.push([job.attempt, text]),
        ended: ({ job, text }) => say(job.status, text),
        trouble: () => {},
        recovered: () => {},
        gone: (error) => say(`gone ${error.status}`, ""),
      },
      environment,
    );
    poller.start();
    disturb(poller);
  };

  const disturb = (poller) => {
    wait(
      () => {
        if (isOver) return;
        if (random() < 0.1) {
          poller.stop();
          load();
        } else {
          poller.wake();
          disturb(poller);
        }
      },
      50 + 300 * random(),
    ).unref();
  };

  const say = (status, text) => {
    isOver = true;
    console.log(JSON.stringify({ id, status, text, pages }));
  };

  load();
}

function hurried(ms) {
  return Math.min(ms, UNHURRIED_MS + Math.max(0, ms - UNHURRIED_MS) / HASTE);
}

/** Numbers in [0, 1) that depend on the seed alone: xorshift, 32 bits. */
function seeded(seed) {
  let state = (seed * 2654435761) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
