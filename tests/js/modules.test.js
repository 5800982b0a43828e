// The page's list of modules, and the house's rules about who may import whom.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, normalize, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const STATIC = fileURLToPath(new URL("../../web/static", import.meta.url));
const TEMPLATES = fileURLToPath(new URL("../../web/templates", import.meta.url));

const chat = await importGraph(join(STATIC, "js/main.js"));
// what the chat fetches with its first turn
const turns = await importGraph(join(STATIC, "js/views/turns.js"), new Map(chat));
// every page's modules, and what is fetched when it is first wanted
const graph = new Map(turns);
for (const entry of await readdir(join(STATIC, "js/pages")))
  await importGraph(join(STATIC, "js/pages", entry), graph);
for (const lazy of await lazyImports(graph)) await importGraph(lazy, graph);

test("the chat preloads exactly the modules that it needs, with turns and without", async () => {
  const text = await readFile(join(TEMPLATES, "modules.html"), "utf8");
  const [page, added] = text
    .split("set turns")
    .map((list) => [...list.matchAll(/"((?:js|vendor)\/[^"]+)"/g)].map((match) => match[1]));
  const wanted = [...turns.keys()].filter((name) => !chat.has(name));
  assert.deepEqual(page.toSorted(), [...chat.keys()].toSorted());
  assert.deepEqual(added.toSorted(), wanted.toSorted());
});

test("models and lib know no views, and only markdown/ knows the Markdown libraries", () => {
  const laws = [
    [/^js\/(models|lib|markdown)\//, /^js\/views\//],
    [/^js\/(lib\/|api|accounts_api)/, /^js\/(models|views|markdown)\//],
    [/^js\/(?!pages\/)/, /^js\/pages\//],
    [/^js\/models\//, /^js\/(lib\/(dom|scroll_keeper|keyed|rename|bootstrap)|markdown)/],
    [/^js\/(?!markdown\/)/, /^vendor\/(marked|dompurify|highlightjs)\//],
    [/^js\/(?!api\.js)/, /^vendor\/axios\//],
  ];
  for (const [file, imports] of graph) {
    for (const [who, whom] of laws) {
      if (who.test(file))
        assert.deepEqual(
          imports.filter((each) => whom.test(each)),
          [],
          `${file} imports`,
        );
    }
  }
});

test("nothing but sanitize.js can make elements of a string", async () => {
  for (const file of graph.keys()) {
    if (!file.startsWith("js/") || file === "js/markdown/sanitize.js") continue;
    const source = await readFile(join(STATIC, file), "utf8");
    assert.doesNotMatch(
      source,
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function/,
      file,
    );
  }
});

test("nothing but api.js talks to the network", async () => {
  for (const file of graph.keys()) {
    if (!file.startsWith("js/") || file === "js/api.js") continue;
    const source = await readFile(join(STATIC, file), "utf8");
    assert.doesNotMatch(source, /\bfetch\(|XMLHttpRequest|sendBeacon|WebSocket|EventSource/, file);
  }
});

async function lazyImports(known) {
  const found = [];
  for (const file of known.keys()) {
    if (file.startsWith("vendor/")) continue;
    const source = await readFile(join(STATIC, file), "utf8");
    const names = [...source.matchAll(/\bimport\("(\.[^"]+)"\)/g)].map(([, name]) => name);
    found.push(...names.map((name) => normalize(join(STATIC, dirname(file), name))));
  }
  for (const name of ["conversation_settings", "finder"])
    assert.ok(found.some((path) => path.endsWith(`views/${name}.js`)), name);
  return found;
}

async function importGraph(entry, known = new Map()) {
  const name = relative(STATIC, entry);
  if (known.has(name)) return known;
  const source = await readFile(entry, "utf8");
  const imports = [...source.matchAll(/^(?:import|export)\s(?:[^"']*?from\s+)?"([^"]+)";/gm)].map(
    (match) => normalize(join(dirname(entry), match[1])),
  );
  known.set(name, name.startsWith("vendor/") ? [] : imports.map((path) => relative(STATIC, path)));
  if (!name.startsWith("vendor/")) for (const path of imports) await importGraph(path, known);
  return known;
}
