// A block of code: a header with its language and its buttons, and the text. The header is built
// once, so that the buttons keep their focus while text arrives. The text of an open fence is only
// appended to; colours come when the fence has closed and the reader is near, in idle time.

import { el, icon } from "../lib/dom.js";
import { download } from "../lib/download.js";
import { whenNear } from "../lib/near.js";
import { commandsOf, fileNameOf, readInfo } from "./code_info.js";
import { highlight } from "./highlight.js";

const COPIED_MS = 1500;
const whenIdle = globalThis.requestIdleCallback ?? ((callback) => setTimeout(callback, 50));

export class CodeBlock {
  #code;
  #text = "";
  #coloured = false;
  #texts;
  #file;
  #copied;

  /** `info` is the fence's info string: "python", "python tareas.py", "diff:src/a.py". */
  constructor(info, texts) {
    this.info = info;
    this.closed = false;
    this.#texts = texts;
    const { language, file } = readInfo(info);
    this.language = language;
    this.#file = file;
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
        el(
          "span",
          { class: "code-actions" },
          this.#wrapButton(),
          this.#action("download", "ui.code.download", () =>
            download(fileNameOf(this.language, this.#file), this.#text),
          ),
          this.#copyButton(),
        ),
      ),
      el("pre", { tabindex: "0", translate: "no" }, this.#code),
    );
    // patch.js finds the object behind the element by this property
    this.element.codeBlock = this;
  }

  get text() {
    return this.#text;
  }

  /** What the copy button does; resolves to true when the text is in the clipboard. */
  async copy() {
    const done = await copy(commandsOf(this.language, this.#text));
    const label = this.#copied;
    label.textContent = this.#texts.t(done ? "ui.code.copied" : "ui.code.not_copied");
    this.#texts.announce(label.textContent);
    setTimeout(() => {
      label.textContent = this.#texts.t("ui.code.copy");
    }, COPIED_MS);
    return done;
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
    whenNear(this.element, () =>
      whenIdle(async () => {
        const fragment = await highlight(text, this.language).catch(() => null);
        if (fragment && this.#text === text) this.#code.replaceChildren(fragment);
      }),
    );
  }

  #wrapButton() {
    const button = this.#action("wrap", "ui.code.wrap", () => {
      const wraps = this.element.classList.toggle("wraps");
      button.setAttribute("aria-pressed", String(wraps));
    });
    button.setAttribute("aria-pressed", "false");
    return button;
  }

  #copyButton() {
    this.#copied = el("span", {}, this.#texts.t("ui.code.copy"));
    return el(
      "button",
      { type: "button", class: "code-action code-copy", on: { click: () => this.copy() } },
      icon("copy"),
      this.#copied,
    );
  }

  #action(name, key, action) {
    const label = this.#texts.t(key);
    return el(
      "button",
      { type: "button", class: "code-action", title: label, "aria-label": label, on: { click: action } },
      icon(name),
    );
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
