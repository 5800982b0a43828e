// What one has used, today and this month, and the days behind it.

import { el } from "../../lib/dom.js";
import { Table } from "../../lib/table.js";
import { day } from "../../lib/when.js";
import { meter, tokens } from "../usage_words.js";

const SPANS = [
  ["today", "day"],
  ["month", "month"],
];

export function startUsage(root, page) {
  const { api, i18n } = page;
  page.attempt(async () => {
    const usage = await api.usage();
    root.append(el("div", { class: "meters" }, SPANS.map((span) => spanOf(span, usage))));
    const days = new Table(root, {
      caption: i18n.t("ui.usage.days"),
      isNarrow: true,
      columns: [
        { name: i18n.t("ui.usage.day") },
        { name: i18n.t("ui.usage.requests"), isNumber: true },
        { name: i18n.t("ui.usage.tokens"), isNumber: true },
        { name: i18n.t("ui.usage.cost"), isNumber: true },
      ],
      keyOf: (each) => each.day,
      nothing: i18n.t("ui.usage.nothing"),
      cells: (each) => [
        el("time", { datetime: each.day }, day(i18n.lang, each.day)),
        i18n.number(each.requests),
        tokens(each, i18n),
        i18n.price(Number(each.cost)),
      ],
    });
    days.show(usage.days);
  });

  function spanOf([span, period], { [span]: spent, limits }) {
    return el(
      "div",
      { role: "group", "aria-label": i18n.t(`ui.usage.${span}`) },
      el("h3", {}, i18n.t(`ui.usage.${span}`)),
      meter(
        {
          name: i18n.t("ui.usage.tokens"),
          spent: spent.input_tokens + spent.output_tokens,
          limit: limits[`tokens_${period}`],
          write: (n) => i18n.number(n),
        },
        i18n,
      ),
      meter(
        {
          name: i18n.t("ui.usage.cost"),
          spent: Number(spent.cost),
          limit: limits[`cost_${period}`],
          write: (n) => i18n.price(Number(n)),
        },
        i18n,
      ),
    );
  }
}
