// Shows what a person typed: as typed, but for fences, which get the code block that a reply's have.

import { el } from "../lib/dom.js";
import { CodeBlock } from "./code_block.js";
import { splitFences } from "./tokens.js";

/** Fills `root` with the text. */
export function showTyped(root, text, texts) {
  root.replaceChildren(
    ...splitFences(text).map((piece) => {
      if (piece.text !== undefined)
        return el("div", { class: "typed" }, piece.text.replace(/^\n+|\n+$/g, ""));
      const block = new CodeBlock(piece.code.info, texts);
      block.update(piece.code.text, true);
      return block.element;
    }),
  );
}
