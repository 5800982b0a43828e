// The text catalogue, shared by server and browser.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const WEB = fileURLToPath(new URL("../../web", import.meta.url));
const read = async (lang) => JSON.parse(await readFile(join(WEB, `static/i18n/${lang}.json`), "utf8"));
const [es, en] = await Promise.all([read("es"), read("en")]);

test("both languages have the same keys", () => {
  assert.deepEqual(Object.keys(es).toSorted(), Object.keys(en).toSorted());
});

test("both languages have the same placeholders", () => {
  const names = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).toSorted();
  for (const key of Object.keys(es)) assert.deepEqual(names(en[key]), names(es[key]), key);
});

test("no text is empty", () => {
  for (const texts of [es, en])
    for (const [key, text] of Object.entries(texts)) assert.ok(text.trim(), key);
});

test("every ui key that the page uses exists, and every one that exists is used", async () => {
  const sources = await allText([join(WEB, "static/js"), join(WEB, "templates")]);
  const used = new Set();
  const prefixes = new Set();
  for (const [, key] of sources.matchAll(/["'`](ui\.[\w.]*)/g))
    (key.endsWith(".") ? prefixes : used).add(key);
  const forms = (key) => [key, `${key}.other`];
  for (const key of used)
    assert.ok(
      forms(key).some((form) => form in es),
      `${key} is not in the catalogue`,
    );
  for (const key of Object.keys(es).filter((each) => each.startsWith("ui."))) {
    const isUsed =
      used.has(key) ||
      used.has(key.replace(/\.(one|other)$/, "")) ||
      [...prefixes].some((prefix) => key.startsWith(prefix));
    assert.ok(isUsed, `${key} is used nowhere`);
  }
});

async function allText(folders) {
  let text = "";
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) text += await readFile(join(entry.parentPath, entry.name), "utf8");
    }
  }
  return text;
}
