// What everybody has used, today and this month.

import { Table } from "../../lib/table.js";
import { tokens } from "../usage_words.js";

export function startAllUsage(root, { api, i18n }) {
  const today = i18n.t("ui.usage.today");
  const month = i18n.t("ui.usage.month");
  const number = (span, what) => ({ name: `${span}: ${i18n.t(`ui.usage.${what}`)}`, isNumber: true });
  const table = new Table(root, {
    caption: i18n.t("ui.admin.usage"),
    columns: [
      { name: i18n.t("ui.users.person") },
      number(today, "requests"),
      number(today, "tokens"),
      number(today, "cost"),
      number(month, "requests"),
      number(month, "tokens"),
      number(month, "cost"),
    ],
    keyOf: ({ user }) => user.id,
    nothing: i18n.t("ui.usage.nothing"),
    cells: (row) => [row.user.display_name, ...numbers(row.today), ...numbers(row.month)],
  });
  const load = async () => table.show((await api.allUsage()).data);
  return { load, refresh: load };

  function numbers(usage) {
    return [i18n.number(usage.requests), tokens(usage, i18n), i18n.price(Number(usage.cost))];
  }
}
