// Shows Markdown that is still being written. One element per top-level block, kept while its key
// stays the same: a poll repaints the last block, not the message. At every moment the page equals
// what rendering the whole text at once would give.

import { CodeBlock } from "./code_block.js";
import { patchChildren } from "./patch.js";
import { markdownFragment } from "./sanitize.js";
import { splitBlocks } from "./tokens.js";

export class LiveMarkdown {
  #root;
  #texts;
  #shown = [];
  #source = null;
  #ended = false;

  /** `root` is the element that holds the blocks; `texts` has `t(key)` and `announce(text)`. */
  constructor(root, texts) {
    this.#root = root;
    this.#texts = texts;
  }

  /** Shows `source`. With `ended` a fence that never closed counts as closed. */
  show(source, { ended = false } = {}) {
    if (source === this.#source && (this.#ended || !ended)) return;
    this.#source = source;
    this.#ended = ended;
    const blocks = splitBlocks(source);
    blocks.forEach((block, index) => {
      this.#shown[index] = this.#place(block, this.#shown[index], ended);
    });
    for (const extra of this.#shown.splice(blocks.length)) extra.element.remove();
  }

  #place(block, old, ended) {
    if (block.code) return this.#placeCode(block, old, ended);
    if (old?.key === block.key) return old;
    const fragment = markdownFragment(block.html());
    this.#buildCodeBlocks(fragment);
    if (old && !old.codeBlock) {
      patchChildren(old.element, fragment);
      return { key: block.key, element: old.element };
    }
    const element = document.createElement("div");
    element.className = "md-block";
    element.append(fragment);
    return this.#put({ key: block.key, element }, old);
  }

  #placeCode({ key, code }, old, ended) {
    const closed = code.closed || ended;
    if (old?.key === key && old.codeBlock.closed === closed) return old;
    if (old?.codeBlock && old.codeBlock.info === code.info) {
      old.codeBlock.update(code.text, closed);
      return { ...old, key };
    }
    const codeBlock = new CodeBlock(code.info, this.#texts);
    codeBlock.update(code.text, closed);
    return this.#put({ key, element: codeBlock.element, codeBlock }, old);
  }

  #put(block, old) {
    if (old) old.element.replaceWith(block.element);
    else this.#root.append(block.element);
    return block;
  }

  // Code inside lists and quotations comes as <pre data-info>: it gets the same header.
  #buildCodeBlocks(fragment) {
    for (const pre of fragment.querySelectorAll("pre[data-info]")) {
      const codeBlock = new CodeBlock(pre.dataset.info, this.#texts);
      codeBlock.update(pre.textContent.replace(/\n$/, ""), true);
      pre.replaceWith(codeBlock.element);
    }
  }
}
