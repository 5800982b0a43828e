// Usage in a person's words: what was spent, beside what may be.

import { el } from "../lib/dom.js";

/** "12,3 mil tokens": both directions together, with the parts on hovering. */
export function tokens(usage, i18n) {
  const parts = i18n.t("ui.usage.parts", {
    input: i18n.number(usage.input_tokens),
    output: i18n.number(usage.output_tokens),
  });
  return el("span", { title: parts }, i18n.compact(usage.input_tokens + usage.output_tokens));
}

/** A labelled bar of `spent` within `limit`; without a limit only the number. */
export function meter({ name, spent, limit, write }, i18n) {
  const said =
    limit === null || limit === undefined
      ? write(spent)
      : i18n.t("ui.usage.of", { spent: write(spent), limit: write(limit) });
  const bar =
    limit === null || limit === undefined
      ? null
      : el("progress", {
          class: spent >= limit ? "meter is-full" : "meter",
          max: "1",
          value: String(limit > 0 ? Math.min(1, spent / limit) : 1),
          "aria-label": name,
        });
  return el(
    "div",
    { class: "meter-line" },
    el("div", { class: "meter-words" }, el("span", {}, name), el("span", {}, said)),
    bar,
  );
}
