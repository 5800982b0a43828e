import assert from "node:assert/strict";
import { test } from "node:test";
import { quoted } from "../../web/static/js/models/quote.js";
import { renderWhole } from "../../web/static/js/markdown/tokens.js";

test("every line is quoted, empty ones too", () => {
  assert.equal(quoted("\nuno\n\ndos  \n"), "> uno\n>\n> dos");
});

test("code is quoted in a fence that what it holds can't close", () => {
  assert.equal(quoted("x = 1", "python"), "> ```python\n> x = 1\n> ```");
  const html = renderWhole(quoted("a\n```\nb", ""));
  assert.match(html, /^<blockquote>\n<pre[^>]*><code>a\n```\nb\n<\/code><\/pre>\n<\/blockquote>\n$/);
});
