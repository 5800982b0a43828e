// A user's own limits: an empty one is the installation's.

import { el } from "../../lib/dom.js";

const NAMES = [
  "posts_minute",
  "active_jobs",
  "waiting_jobs",
  "tokens_day",
  "tokens_month",
  "cost_day",
  "cost_month",
];

/** "2 propios", or that all are the installation's. */
export function limitsInWords(limits, i18n) {
  const own = NAMES.filter((name) => limits?.[name] !== null && limits?.[name] !== undefined).length;
  return own === 0 ? i18n.t("ui.limits.default") : i18n.count("ui.limits.own", own);
}

/** Resolves to every limit by name, null for the installation's; or to null when turned away. */
export function askLimits({ display_name: name, limits }, { dialogs, i18n }) {
  const fields = NAMES.map((each) => {
    const input = el("input", {
      class: "form-control",
      type: "number",
      min: "0",
      step: each.startsWith("cost") ? "any" : "1",
      inputmode: "decimal",
      name: each,
      placeholder: i18n.t("ui.limits.placeholder"),
    });
    input.value = limits?.[each] ?? "";
    return el("label", { class: "limit" }, el("span", {}, i18n.t(`ui.limits.${each}`)), input);
  });
  const inputs = fields.map((field) => field.querySelector("input"));
  return dialogs.fill({
    title: i18n.t("ui.limits.title", { name }),
    text: i18n.t("ui.limits.text"),
    body: el("div", { class: "limits" }, fields),
    action: i18n.t("ui.save"),
    first: inputs[0],
    value: () =>
      Object.fromEntries(
        inputs.map((input) => [input.name, input.value === "" ? null : Number(input.value)]),
      ),
  });
}
