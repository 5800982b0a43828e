import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { I18n } from "../../web/static/js/lib/i18n.js";

const texts = async (lang) =>
  JSON.parse(await readFile(new URL(`../../web/static/i18n/${lang}.json`, import.meta.url), "utf8"));
const es = new I18n("es", await texts("es"));
const en = new I18n("en", await texts("en"));

test("placeholders are filled, and one without a value stays in sight", () => {
  assert.equal(es.t("ui.siblings.position", { n: 2, of: 3 }), "2 de 3");
  assert.equal(es.t("ui.siblings.position", { n: 2 }), "2 de {of}");
});

test("a missing key shows itself", () => {
  assert.equal(es.t("ui.nowhere"), "ui.nowhere");
});

test("counted texts follow the language's plural", () => {
  assert.equal(es.count("ui.window.omitted", 1), "1 turno anterior no se envía al modelo");
  assert.equal(es.count("ui.window.omitted", 12), "12 turnos anteriores no se envían al modelo");
  assert.equal(en.count("ui.window.omitted", 1), "1 earlier turn is not sent to the model");
});

test("places are ordinal numbers", () => {
  assert.deepEqual(
    [1, 2, 3, 4, 11, 21].map((n) => en.ordinal(n)),
    ["1st", "2nd", "3rd", "4th", "11th", "21st"],
  );
  assert.equal(es.ordinal(3), "3.º");
});

test("seconds have a decimal only while it means something", () => {
  assert.equal(es.seconds(8400), "8,4\u00a0s");
  assert.equal(es.seconds(8400, { decimals: 0 }), "8\u00a0s");
  assert.equal(en.seconds(42_900), "42\u00a0s");
  assert.equal(en.seconds(125_000), "2\u00a0min 5\u00a0s");
});

test("prices keep the digits that a small one needs", () => {
  assert.equal(en.price(0.15), "$0.15");
  assert.equal(en.price(0.0123), "$0.0123");
  assert.equal(en.price(5), "$5.00");
});
