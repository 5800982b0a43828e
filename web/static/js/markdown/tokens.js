// Splits Markdown into its top-level blocks, cheaply enough to do it at every paint: finding the
// blocks of 100 KB takes about 2 ms, reading the inline text inside them fifteen times as long.
// So inline text is read only for blocks that are new. Pure: no DOM.

import { Lexer, Parser } from "../../vendor/marked/marked.esm.js";
import { OPTIONS, codeOf } from "./renderer.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/**
 * A block: `key` is equal exactly when it renders equally, so a block with a known key need not be
 * rendered again. Code blocks have `code: {info, text, closed}` and are built by code_block.js;
 * for the others `html()` gives the HTML, still to be sanitised, and only until the next split.
 */
export function splitBlocks(source) {
  const lexer = new Lexer(OPTIONS);
  const tokens = lexer.blockTokens(source.replace(/\r\n|\r/g, "\n"), lexer.tokens);
  const inline = new Map(lexer.inlineQueue.map(({ tokens: list, src }) => [list, src]));
  const links = JSON.stringify(lexer.tokens.links);
  return tokens
    .filter(({ type }) => type !== "space" && type !== "def")
    .map((token) => {
      if (token.type === "code") {
        return { key: `code\n${token.raw}`, code: { ...codeOf(token), closed: isClosed(token) } };
      }
      // a link definition further down changes what [text] above means
      const key = token.raw.includes("[")
        ? `${token.type}\n${links}\n${token.raw}`
        : `${token.type}\n${token.raw}`;
      return { key, html: () => renderBlock(lexer, inline, token) };
    });
}

/** The whole message at once: what block by block must be equal to. */
export function renderWhole(source) {
  return new Parser(OPTIONS).parse(new Lexer(OPTIONS).lex(source));
}

/**
 * A person's own text: only its fences are markup, everything else is shown as typed. Returns
 * `{text}` and `{code: {info, text, closed}}` pieces in order.
 */
export function splitFences(source) {
  const pieces = [];
  const lexer = new Lexer(OPTIONS);
  for (const token of lexer.blockTokens(source.replace(/\r\n|\r/g, "\n"), [])) {
    if (token.type === "code" && FENCE.test(token.raw)) {
      pieces.push({ code: { ...codeOf(token), closed: true } });
    } else if (pieces.at(-1)?.text !== undefined) {
      pieces.at(-1).text += token.raw;
    } else {
      pieces.push({ text: token.raw });
    }
  }
  return pieces;
}

function renderBlock(lexer, inline, token) {
  readInline(lexer, inline, token);
  return new Parser(OPTIONS).parse([token]);
}

function readInline(lexer, inline, token) {
  const lists = [token.tokens, ...(token.header ?? []).map((cell) => cell.tokens)];
  for (const row of token.rows ?? []) lists.push(...row.map((cell) => cell.tokens));
  for (const list of lists) {
    if (!list) continue;
    if (inline.has(list)) {
      lexer.inlineTokens(inline.get(list), list);
      inline.delete(list);
    } else {
      for (const child of list) readInline(lexer, inline, child);
    }
  }
  for (const item of token.items ?? []) readInline(lexer, inline, item);
}

/** Indented code has no end of its own; a fence is closed when its last line is its fence again. */
function isClosed({ raw }) {
  const fence = FENCE.exec(raw)?.[1];
  if (!fence) return true;
  const lines = raw.trimEnd().split("\n");
  return lines.length > 1 && new RegExp(`^ {0,3}${fence[0]}{${fence.length},} *$`).test(lines.at(-1));
}
