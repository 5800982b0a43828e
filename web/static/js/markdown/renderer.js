// What Markdown becomes. Pure: strings in, strings out. Raw HTML is never HTML here: the tokenizer
// doesn't know it, so a tag is text like any other. What comes out still goes through sanitize.js.

import { Marked } from "../../vendor/marked/marked.esm.js";

const SAFE_PROTOCOLS = new Set(["http:", "https:", "mailto:"]);
// A turn's own heading is an h2: the reply's headings come below it, and mostly start anywhere.
const HIGHEST_HEADING = 3;

// Links can't hold links; an image inside one is a chip without an address of its own.
let linkDepth = 0;

const marked = new Marked({
  gfm: true,
  tokenizer: {
    html: () => undefined,
    tag: () => undefined,
  },
  renderer: {
    heading({ tokens, depth }) {
      const level = Math.max(HIGHEST_HEADING, depth);
      return `<h${level} class="md-h${depth}">${this.parser.parseInline(tokens)}</h${level}>\n`;
    },
    code(token) {
      const { info, text } = codeOf(token);
      return `<pre data-info="${escape(info)}"><code>${escape(text)}\n</code></pre>\n`;
    },
    html({ text }) {
      return escape(text);
    },
    link({ href, title, tokens }) {
      linkDepth += 1;
      const text = this.parser.parseInline(tokens);
      linkDepth -= 1;
      if (linkDepth > 0 || !isSafeLink(href)) return text;
      return `<a href="${escapeOnce(href)}"${titled(title)}>${text}</a>`;
    },
    image({ href, title, text }) {
      const label = `<span class="image-alt">${escape(text || title || "")}</span>`;
      const host = hostOf(href);
      if (host === null) return `<span class="image-chip">${label}</span>`;
      const content = `${label}<span class="image-host">${escape(host)}</span>`;
      if (linkDepth > 0) return `<span class="image-chip">${content}</span>`;
      return `<a class="image-chip" href="${escapeOnce(href)}"${titled(title)}>${content}</a>`;
    },
    checkbox({ checked }) {
      return checked ? "☑ " : "☐ ";
    },
    table({ header, rows }) {
      const head = `<tr>${header.map((cell) => this.tablecell(cell)).join("")}</tr>`;
      const body = rows.map((row) => `<tr>${row.map((cell) => this.tablecell(cell)).join("")}</tr>`);
      return (
        `<div class="table-scroll"><table><thead>${head}</thead>` +
        `<tbody>${body.join("")}</tbody></table></div>\n`
      );
    },
    tablecell({ tokens, header, align }) {
      const tag = header ? "th" : "td";
      const aligned = align ? ` class="text-${{ left: "start", right: "end" }[align] ?? "center"}"` : "";
      return `<${tag}${aligned}>${this.parser.parseInline(tokens)}</${tag}>`;
    },
  },
});

export const OPTIONS = marked.defaults;

/** A code token's info string and text; `text` never ends in the fence's own newline. */
export function codeOf(token) {
  return { info: token.lang ?? "", text: token.text.replace(/\n$/, "") };
}

/** Only addresses that open a page, a mail or a place in this text; relative ones are none here. */
export function isSafeLink(href) {
  if (href.startsWith("#")) return true;
  const url = parse(href);
  return url !== null && SAFE_PROTOCOLS.has(url.protocol);
}

function hostOf(href) {
  const url = parse(href);
  return url && (url.protocol === "https:" || url.protocol === "http:") ? url.host : null;
}

function parse(href) {
  try {
    return new URL(href);
  } catch {
    return null;
  }
}

function titled(title) {
  return title ? ` title="${escapeOnce(title)}"` : "";
}

function escape(text) {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

// Markdown allows entities in addresses and titles: those that are there stay.
function escapeOnce(text) {
  return text
    .replace(/&(?!#\d{1,7};|#[Xx][a-fA-F0-9]{1,6};|\w+;)/g, "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
