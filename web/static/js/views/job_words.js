// What the job line says, as words. Pure: a job, the time and the texts in, strings out.

const QUIET_MS = 2000;
const CHARACTERS_A_TOKEN = 3.6;
const FAILURES_ALLOWED = 3;
const NAMED_OUTCOMES = new Set([
  "worker_lost",
  "handed_over",
  "rate_limited",
  "upstream_timeout",
  "upstream_unavailable",
  "upstream_malformed",
]);

/** True while everything goes so quickly that a line about it would only flicker. */
export function isQuiet(job, now) {
  return now - Date.parse(job.created_at) < QUIET_MS && job.attempts.length === 0;
}

/**
 * The line under a reply that is being written: [{text, kind}] with kind "strong", "warning" or
 * "plain".
 */
export function writingWords(job, text, now, i18n) {
  const words = [];
  if (job.attempt > 1) {
    words.push({ kind: "strong", text: attemptWords(job, i18n) });
    words.push({ kind: "warning", text: endedWords(job, i18n) });
  }
  if (job.worker) words.push({ kind: "plain", text: job.worker });
  if (job.started_at)
    words.push({ kind: "plain", text: i18n.seconds(now - Date.parse(job.started_at), { decimals: 0 }) });
  if (text) words.push({ kind: "plain", text: tokenWords(job, text, i18n) });
  return words.filter((word) => word.text);
}

/** The card of a queued job: {place, start, reason, ahead}; parts that aren't known are "". */
export function queueWords(job, now, i18n) {
  const { position, reason, eta_ms: eta, workers } = job.queue;
  if (reason === "retry") {
    return {
      place: i18n.t("ui.queue.retry"),
      start: etaWords(eta, i18n),
      reason: endedWords(job, i18n),
      ahead: 0,
    };
  }
  if (reason === "previous_reply") {
    return { place: i18n.t("ui.queue.after_previous"), start: "", reason: "", ahead: 0 };
  }
  return {
    place: position
      ? i18n.t("ui.queue.place", { place: i18n.ordinal(position) })
      : i18n.t("ui.queue.waiting"),
    start: etaWords(eta, i18n),
    reason: workerWords(workers, i18n),
    ahead: position ? position - 1 : 0,
  };
}

function attemptWords(job, i18n) {
  // a worker that hands its job over charges nothing: that attempt doesn't count against the three
  const free = job.attempts.filter(({ outcome }) => outcome === "handed_over").length;
  return i18n.t("ui.attempt", { n: job.attempt, of: Math.max(job.attempt, FAILURES_ALLOWED + free) });
}

function endedWords(job, i18n) {
  const last = job.attempts.at(-1);
  if (!last) return "";
  const key = NAMED_OUTCOMES.has(last.outcome) ? last.outcome : "other";
  return i18n.t("ui.attempt.ended", {
    which: i18n.ordinal(last.n),
    after: i18n.seconds(last.ran_ms, { decimals: 0 }),
    why: i18n.t(`ui.attempt.outcome.${key}`),
  });
}

function tokenWords(job, text, i18n) {
  const exact = job.usage?.output_tokens;
  if (exact !== undefined && exact !== null) return i18n.count("ui.tokens", exact);
  return i18n.count("ui.tokens_about", Math.max(1, Math.round(text.length / CHARACTERS_A_TOKEN)));
}

function etaWords(eta, i18n) {
  if (eta === null || eta === undefined) return "";
  return i18n.t("ui.queue.start", { time: i18n.seconds(Math.max(1000, eta), { decimals: 0 }) });
}

function workerWords({ online, busy }, i18n) {
  if (online === 0) return i18n.t("ui.queue.no_worker");
  return busy >= online ? i18n.count("ui.queue.all_busy", online) : "";
}
