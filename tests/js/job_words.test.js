import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { I18n } from "../../web/static/js/lib/i18n.js";
import { isQuiet, queueWords, writingWords } from "../../web/static/js/views/job_words.js";

const texts = JSON.parse(
  await readFile(new URL("../../web/static/i18n/es.json", import.meta.url), "utf8"),
);
const es = new I18n("es", texts);
const NOW = Date.parse("2026-11-22T14:00:10.000Z");
const JOB = {
  status: "in_progress",
  attempt: 1,
  attempts: [],
  worker: "worker-2",
  usage: null,
  queue: null,
  created_at: "2026-11-22T14:00:00.000Z",
  started_at: "2026-11-22T14:00:02.000Z",
};
const plain = (words) => words.map(({ text }) => text.replaceAll("\u00a0", " "));

test("nothing is said while everything takes less than two seconds", () => {
  assert.equal(isQuiet({ ...JOB, created_at: "2026-11-22T14:00:08.500Z" }, NOW), true);
  assert.equal(isQuiet(JOB, NOW), false);
  const lost = {
    ...JOB,
    created_at: "2026-11-22T14:00:09.000Z",
    attempts: [{ n: 1, outcome: "worker_lost", ran_ms: 10 }],
  };
  assert.equal(isQuiet(lost, NOW), false);
});

test("a first attempt says worker, seconds and tokens", () => {
  assert.deepEqual(plain(writingWords(JOB, "x".repeat(360), NOW, es)), [
    "worker-2",
    "8 s",
    "≈ 100 tokens",
  ]);
});

test("a later attempt says why the one before ended", () => {
  const job = { ...JOB, attempt: 2, attempts: [{ n: 1, outcome: "worker_lost", ran_ms: 4100 }] };
  assert.deepEqual(plain(writingWords(job, "", NOW, es)), [
    "Intento 2 de 3",
    "el 1.º se cortó a los 4 s: se perdió el trabajador",
    "worker-2",
    "8 s",
  ]);
});

test("a handed over attempt doesn't count against the three", () => {
  const job = { ...JOB, attempt: 2, attempts: [{ n: 1, outcome: "handed_over", ran_ms: 4100 }] };
  assert.equal(plain(writingWords(job, "", NOW, es))[0], "Intento 2 de 4");
});

test("an outcome without words of its own is an error", () => {
  const job = { ...JOB, attempt: 2, attempts: [{ n: 1, outcome: "something_new", ran_ms: 900 }] };
  assert.match(plain(writingWords(job, "", NOW, es))[1], /hubo un error$/);
});

test("a queued job says its place, when it starts and why it waits", () => {
  const queue = { position: 3, reason: "worker", eta_ms: 12_000, workers: { online: 2, busy: 2 } };
  const words = queueWords({ ...JOB, status: "queued", queue }, NOW, es);
  assert.deepEqual(
    { ...words, start: words.start.replaceAll("\u00a0", " ") },
    {
      place: "3.º en la cola",
      start: ", empieza en unos 12 s",
      reason: "Los 2 trabajadores están ocupados.",
      ahead: 2,
    },
  );
});

test("what isn't known isn't said", () => {
  const queue = { position: null, reason: "worker", eta_ms: null, workers: { online: 2, busy: 1 } };
  assert.deepEqual(queueWords({ ...JOB, status: "queued", queue }, NOW, es), {
    place: "En la cola",
    start: "",
    reason: "",
    ahead: 0,
  });
});

test("a turn behind another one of its conversation says so", () => {
  const queue = { position: 1, reason: "previous_reply", eta_ms: null, workers: { online: 1, busy: 1 } };
  assert.equal(
    queueWords({ ...JOB, status: "queued", queue }, NOW, es).place,
    "Espera a que termine la respuesta anterior",
  );
});
