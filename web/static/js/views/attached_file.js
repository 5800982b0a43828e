// A file that came with a turn: folded to its name and size; its text is built when it is opened.

import { el, icon } from "../lib/dom.js";
import { CodeBlock } from "../markdown/code_block.js";

/** An element for {name, language, content} of models/attachments.js. */
export function attachedFile({ name, language, content }, page) {
  const size = page.i18n.bytes(new Blob([content]).size);
  const details = el(
    "details",
    { class: "attached" },
    el(
      "summary",
      { class: "attached-name" },
      icon("file"),
      el("span", {}, page.i18n.t("ui.turn.file", { name, size })),
    ),
  );
  details.addEventListener("toggle", () => {
    if (!details.open || details.querySelector(".code-block")) return;
    const block = new CodeBlock(`${language} ${name}`, page.texts);
    block.update(content, true);
    details.append(block.element);
  });
  return details;
}
