// Everybody's jobs, newest first, never their text: cancelled while they run, put back when they
// hang or have failed.

import { el } from "../../lib/dom.js";
import { Table } from "../../lib/table.js";
import { agoElement } from "../../lib/when.js";
import { Listing } from "../../models/listing.js";
import { moreButton } from "../more_button.js";

const UNFINISHED = ["queued", "in_progress"];
const REQUEUEABLE = ["in_progress", "failed", "cancelled", "incomplete"];

/** Returns the listing. */
export function startJobs({ list, status }, page) {
  const { api, i18n } = page;
  const jobs = new Listing((options) => api.allJobs({ status: status.value, ...options }));
  const table = new Table(list, {
    caption: i18n.t("ui.admin.jobs"),
    columns: [
      { name: i18n.t("ui.users.person") },
      { name: i18n.t("ui.jobs.status") },
      { name: i18n.t("ui.jobs.model") },
      { name: i18n.t("ui.jobs.attempt"), isNumber: true },
      { name: i18n.t("ui.jobs.asked") },
      { name: i18n.t("ui.actions"), isHidden: true },
    ],
    keyOf: ({ id }) => id,
    nothing: i18n.t("ui.jobs.nothing"),
    cells: (job) => [
      [job.user.display_name, kindOf(job), el("code", { class: "prefix person-email" }, job.id)],
      stateOf(job),
      job.model,
      i18n.number(job.attempt),
      agoElement(i18n, job.created_at, api.now()),
      actions(job),
    ],
  });
  const more = moreButton(list, jobs, page);
  jobs.addEventListener("change", () => {
    table.show(jobs.items);
    more.refresh();
  });
  status.addEventListener("change", () => page.attempt(() => jobs.load()));
  return jobs;

  function stateOf(job) {
    const state = job.cancelling ? "cancelling" : job.status;
    return [
      el("span", { class: `state state-${state}` }, i18n.t(`ui.jobs.status.${state}`)),
      job.error ? el("span", { class: "person-email" }, job.error.title) : null,
    ];
  }

  // replies are what jobs are for: only the others are named
  function kindOf({ kind }) {
    return kind === "reply" ? null : el("span", { class: "tag" }, i18n.t(`ui.jobs.kind.${kind}`));
  }

  function actions(job) {
    const isRepeatable = REQUEUEABLE.includes(job.status) && job.kind !== "title";
    return el("div", { class: "row-actions" }, [
      UNFINISHED.includes(job.status) && !job.cancelling ? button(job, "cancel", cancel) : null,
      isRepeatable && !job.cancelling ? button(job, "requeue", requeue) : null,
    ]);
  }

  function button(job, action, click) {
    const text = i18n.t(`ui.jobs.${action}`);
    const label = i18n.t("ui.users.action_label", { action: text, name: job.user.display_name });
    return el(
      "button",
      {
        type: "button",
        class: "plain-button",
        "data-action": action,
        "aria-label": label,
        on: { click: () => click(job) },
      },
      text,
    );
  }

  function cancel(job) {
    return page.attempt(async () => {
      jobs.replace(await api.cancelAnyJob(job.id));
      page.announcer.say(i18n.t("ui.jobs.cancelled"));
    });
  }

  // an ended job comes back as a new one: only the whole list shows both
  function requeue(job) {
    return page.attempt(async () => {
      await api.requeueJob(job.id);
      page.announcer.say(i18n.t("ui.jobs.requeued"));
      await jobs.load();
    });
  }
}
