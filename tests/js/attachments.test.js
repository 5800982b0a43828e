import assert from "node:assert/strict";
import { test } from "node:test";
import { attachment, split, withAttachments } from "../../web/static/js/models/attachments.js";

test("a file is a fenced block after the text, with its language and name", () => {
  const files = [attachment("tareas.py", "def uno():\n    return 1\n")];
  assert.equal(
    withAttachments("Revisa esto.", files),
    "Revisa esto.\n\n```python tareas.py\ndef uno():\n    return 1\n```",
  );
});

test("what was put together comes apart again", () => {
  const texts = ["", "Mira", "Antes:\n\n```js\nlet a;\n```\n\ny después", "~~~\nsin cerrar ``` dentro\n~~~\n\nfin"];
  const contents = ["", "una línea", "```\nfence\n```", "a\n\n````python x.py\nb\n````\n", "\n\nhueco\n"];
  for (const text of texts) {
    const files = contents.map((content, index) => attachment(`f${index}.md`, content));
    const found = split(withAttachments(text, files));
    assert.equal(found.text, text);
    assert.deepEqual(
      found.files.map(({ name, language, content }) => [name, language, content]),
      files.map(({ name, language, content }) => [name, language, content.replace(/\n$/, "")]),
    );
  }
});

test("a fence in the middle of a text, or without a name, is no file", () => {
  for (const text of ["```python a.py\nx\n```\n\ny más", "mira\n\n```python\nx\n```", "```python a.py\nabierta"]) {
    assert.deepEqual(split(text), { text, files: [] });
  }
});

test("a fence that the text leaves open doesn't swallow the file", () => {
  const content = withAttachments("mira\n```js\nlet a", [attachment("a.py", "x")]);
  assert.deepEqual(split(content), {
    text: "mira\n```js\nlet a\n```",
    files: [{ name: "a.py", language: "python", content: "x" }],
  });
});

test("a name is one word, its ending tells the language, and line ends are plain", () => {
  assert.deepEqual(attachment("mi  archivo `raro`.TS", "a\r\nb\rc"), {
    name: "mi_archivo_raro_.TS",
    language: "typescript",
    content: "a\nb\nc",
  });
  assert.equal(attachment("Dockerfile", "").language, "dockerfile");
  assert.equal(attachment("traza.log", "").language, "text");
});
