// Times in a person's words. The server's are ISO 8601 in UTC; people read their own clock.

import { el } from "./dom.js";

const STEPS = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 30],
  ["month", 12],
  ["year", Infinity],
];

/** "hace 5 minutos", "dentro de 3 días"; `now` in ms. */
export function ago(lang, iso, now) {
  let amount = (Date.parse(iso) - now) / 1000;
  const format = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size) return format.format(Math.round(amount), unit);
    amount /= size;
  }
  return "";
}

/** "23 nov 2026"; of a day without a time, that day wherever the reader is. */
export function day(lang, iso) {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(iso);
  const format = { dateStyle: "medium", ...(isDay ? { timeZone: "UTC" } : {}) };
  return new Intl.DateTimeFormat(lang, format).format(new Date(iso));
}

/** A <time> that says how long ago, and exactly when on hovering. */
export function agoElement(i18n, iso, now) {
  const exact = new Intl.DateTimeFormat(i18n.lang, { dateStyle: "long", timeStyle: "medium" });
  return el(
    "time",
    { datetime: iso, title: exact.format(new Date(iso)) },
    ago(i18n.lang, iso, now),
  );
}
