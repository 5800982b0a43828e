// What does the work: workers, the queue, and the model server as its last answers show it.

import { el } from "../../lib/dom.js";
import { Table } from "../../lib/table.js";
import { agoElement } from "../../lib/when.js";

export function startMachine({ workers, queue, upstream }, { api, i18n }) {
  const table = new Table(workers, {
    caption: i18n.t("ui.workers.title"),
    columns: [
      { name: i18n.t("ui.workers.name") },
      { name: i18n.t("ui.workers.state") },
      { name: i18n.t("ui.workers.busy"), isNumber: true },
      { name: i18n.t("ui.workers.seen") },
    ],
    keyOf: ({ name }) => name,
    nothing: i18n.t("error.no_worker.notice"),
    cells: (worker) => [
      el("code", { class: "prefix" }, worker.name),
      worker.online
        ? el("span", { class: "state state-completed" }, i18n.t("ui.workers.online"))
        : el("span", { class: "state state-failed" }, i18n.t("ui.workers.away")),
      i18n.t("ui.workers.of", { busy: i18n.number(worker.busy), slots: i18n.number(worker.slots) }),
      agoElement(i18n, worker.seen_at, api.now()),
    ],
  });

  return { load, refresh: load };

  async function load() {
    const [crew, line, server] = await Promise.all([api.workers(), api.queue(), api.upstream()]);
    table.show(crew.data);
    queue.replaceChildren(queueFacts(line));
    upstream.replaceChildren(upstreamFacts(server));
  }

  function queueFacts(line) {
    return facts([
      [i18n.t("ui.queue.queued"), i18n.number(line.queued)],
      [i18n.t("ui.queue.running"), i18n.number(line.in_progress)],
      [i18n.t("ui.queue.oldest"), line.oldest_queued_at ? since(line.oldest_queued_at) : "–"],
    ]);
  }

  function upstreamFacts(server) {
    const { completed, failed } = server.hour;
    return facts([
      [i18n.t("ui.upstream.address"), el("code", { class: "prefix" }, server.address)],
      [i18n.t("ui.upstream.models"), i18n.number(server.models)],
      [i18n.t("ui.upstream.listed"), server.listed_at ? since(server.listed_at) : "–"],
      [
        i18n.t("ui.upstream.hour"),
        i18n.t("ui.upstream.hour_of", { completed: i18n.number(completed), failed: i18n.number(failed) }),
      ],
      [i18n.t("ui.upstream.error"), server.last_error ? lastError(server.last_error) : "–"],
      ...server.paused.map(({ model, until }) => [
        i18n.t("ui.upstream.paused"),
        el("span", { class: "state state-queued" }, `${model}, `, since(until)),
      ]),
    ]);
  }

  function lastError({ title, at }) {
    return el("span", {}, `${title}, `, since(at));
  }

  function since(iso) {
    return agoElement(i18n, iso, api.now());
  }
}

function facts(pairs) {
  return el(
    "dl",
    { class: "fact-list" },
    pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}
