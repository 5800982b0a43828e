import assert from "node:assert/strict";
import { test } from "node:test";
import { renderWhole, splitBlocks, splitFences } from "../../web/static/js/markdown/tokens.js";
import { HOSTILE_DOCUMENT } from "./hostile_document.js";

const html = (source) => splitBlocks(source).map(render).join("");

test("block by block equals the whole at every prefix of a hostile document", () => {
  for (let end = 0; end <= HOSTILE_DOCUMENT.length; end += 1) {
    const prefix = HOSTILE_DOCUMENT.slice(0, end);
    assert.equal(html(prefix), renderWhole(prefix), `at ${end}: …${JSON.stringify(prefix.slice(-40))}`);
  }
});

test("blocks with equal keys render equally", () => {
  const known = new Map();
  for (let end = 0; end <= HOSTILE_DOCUMENT.length; end += 1) {
    for (const block of splitBlocks(HOSTILE_DOCUMENT.slice(0, end))) {
      const rendered = render(block);
      if (known.has(block.key)) assert.equal(rendered, known.get(block.key), block.key);
      known.set(block.key, rendered);
    }
  }
});

test("a link definition that arrives later repaints the block that needs it", () => {
  const [before] = splitBlocks("see [x]\n\nand more");
  const [after, more] = splitBlocks("see [x]\n\nand more\n\n[x]: https://example.com");
  assert.notEqual(before.key, after.key);
  assert.equal(more.key, splitBlocks("see [x]\n\nand more")[1].key);
});

test("a fence is closed only by its own fence", () => {
  const closed = (source) => splitBlocks(source).at(-1).code.closed;
  assert.equal(closed("```js\na"), false);
  assert.equal(closed("```js\na\n``"), false);
  assert.equal(closed("```js\na\n```"), true);
  assert.equal(closed("````\n```\n"), false);
  assert.equal(closed("````\n```\n````"), true);
  assert.equal(closed("~~~\n```\n~~~"), true);
  assert.equal(closed("```"), false);
});

test("the text of an open fence only grows", () => {
  const source = "```python app.py\ndef f():\n\n    return '```'\n";
  let last = "";
  for (let end = "```python app.py\n".length; end <= source.length; end += 1) {
    const { code } = splitBlocks(source.slice(0, end))[0];
    assert.ok(code.text.startsWith(last) || last.startsWith(code.text), JSON.stringify(code.text));
    assert.equal(code.info, "python app.py");
    last = code.text;
  }
});

test("raw HTML is text", () => {
  const rendered = html("<img src=x onerror=alert(1)>\n\n<script>alert(1)</script>\n\na <b>b</b>");
  assert.doesNotMatch(rendered, /<(img|script|b)\b/);
  assert.match(rendered, /&lt;script&gt;/);
});

test("only addresses of the web, of mail and of this text become links", () => {
  for (const address of [
    "https://a.example",
    "http://a.example/?a=1&b=2",
    "mailto:ana@a.example",
    "#x",
  ]) {
    assert.match(html(`[t](${address})`), /<a href=/, address);
  }
  for (const address of [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "//a.example",
    "/api/conversations",
    "javascript&colon;alert(1)",
    "&#106;avascript:alert(1)",
    "blob:https://a/x",
  ]) {
    assert.doesNotMatch(html(`[t](${address})`), /<a /, address);
  }
});

test("an image is never an image: it is a chip with its host", () => {
  const rendered = html("![a plan](https://cdn.example/p.png?leak=1)");
  assert.doesNotMatch(rendered, /<img/);
  assert.match(rendered, /<a class="image-chip" href="https:\/\/cdn\.example\/p\.png\?leak=1">/);
  assert.match(rendered, /cdn\.example<\/span>/);
  assert.match(html("![x](data:image/png;base64,AAAA)"), /^<p><span class="image-chip">/);
  assert.doesNotMatch(html("[![x](https://a.example/b.svg)](https://b.example)"), /<a[^>]*>.*<a/);
});

test("100 KB are split in a few milliseconds", (t) => {
  const source = "A paragraph with `code` and **bold** text.\n\n```js\nconst x = 1;\n```\n\n".repeat(
    1500,
  );
  const start = performance.now();
  splitBlocks(source);
  t.diagnostic(`${source.length} characters in ${(performance.now() - start).toFixed(1)} ms`);
});

test("what a person typed keeps every character outside its fences", () => {
  const text = "# not a heading\n\n  two  spaces\n\n```py\nx = 1\n```\nafter <b>";
  const pieces = splitFences(text);
  assert.deepEqual(
    pieces.map((piece) => Object.keys(piece)[0]),
    ["text", "code", "text"],
  );
  assert.equal(pieces[0].text, "# not a heading\n\n  two  spaces\n\n");
  assert.deepEqual(pieces[1].code, { info: "py", text: "x = 1", closed: true });
  assert.match(pieces[2].text, /after <b>/);
});

function render(block) {
  if (!block.code) return block.html();
  const { info, text } = block.code;
  return `<pre data-info="${escape(info)}"><code>${escape(text)}\n</code></pre>\n`;
}

function escape(text) {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
