// A block of code: a header with its language and a copy button, and the text. The header is built
// once, so that the button keeps its focus while text arrives. The text of an open fence is only
// appended to; colours come when the fence has closed, in idle time.

import { el, icon } from "../lib/dom.js";
import { highlight } from "./highlight.js";

const COPIED_MS = 1500;
const whenIdle = globalThis.requestIdleCallback ?? ((callback) => setTimeout(callback, 50));

export class CodeBlock {
  #code;
  #text = "";
  #coloured = false;
  #texts;

  /** `info` is the fence's info string: "python", "python tareas.py", "diff:src/a.py". */
  constructor(info, texts) {
    this.info = info;
    this.closed = false;
    this.#texts = texts;
    const { language, file } = readInfo(info);
    this.language = language;
    this.#code = el("code", {}, "");
    this.element = el(
      "figure",
      { class: "code-block" },
      el(
        "figcaption",
        { class: "code-head" },
        el(
          "span",
          { class: "code-label" },
          [language || texts.t("ui.code.plain"), file].filter(Boolean).join(" · "),
        ),
        this.#copyButton(),
      ),
      el("pre", { tabindex: "0", translate: "no" }, this.#code),
    );
    // patch.js finds the object behind the element by this property
    this.element.codeBlock = this;
  }

  get text() {
    return this.#text;
  }

  update(text, closed) {
    if (text !== this.#text) this.#write(text);
    this.closed = closed;
    if (closed && !this.#coloured) this.#colour();
  }

  #write(text) {
    const node = this.#code.firstChild;
    const isPlain = !this.#coloured && node?.nodeType === Node.TEXT_NODE;
    if (isPlain && text.startsWith(this.#text)) node.appendData(text.slice(this.#text.length));
    else this.#code.replaceChildren(text);
    this.#text = text;
    this.#coloured = false;
  }

  #colour() {
    this.#coloured = true;
    const text = this.#text;
    whenIdle(async () => {
      const fragment = await highlight(text, this.language).catch(() => null);
      if (fragment && this.#text === text) this.#code.replaceChildren(fragment);
    });
  }

  #copyButton() {
    const label = el("span", {}, this.#texts.t("ui.code.copy"));
    const button = el("button", { type: "button", class: "code-action" }, icon("copy"), label);
    button.addEventListener("click", async () => {
      const done = await copy(this.#text);
      label.textContent = this.#texts.t(done ? "ui.code.copied" : "ui.code.not_copied");
      this.#texts.announce(label.textContent);
      setTimeout(() => {
        label.textContent = this.#texts.t("ui.code.copy");
      }, COPIED_MS);
    });
    return button;
  }
}

/** True when the text is in the clipboard; without https or permission it is not. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** "python title=app.py", "python:app.py", "python app.py" → {language, file} */
export function readInfo(info) {
  const [first = "", ...rest] = info.trim().split(/\s+/);
  const [, language, , path] = /^([^:{]*)(:(.+))?/.exec(first);
  const named = /(?:title|file|filename)=["']?([^"'\s}]+)/.exec(info)?.[1];
  const loose = rest.find((word) => /[./]/.test(word) && !/[={}]/.test(word));
  return { language: language.toLowerCase(), file: path ?? named ?? loose ?? "" };
}
