// Taking in conversations from a file, with how far it is and what couldn't be taken. Fetched when
// first asked for.

import { el, setText, show } from "../lib/dom.js";
import { conversationsIn, importAll } from "../models/imports.js";

const MOST_REASONS = 5;

/** Shows the dialog; resolves to the conversations that were made. */
export async function askImport(page, dialogs) {
  const view = new ImportView(page);
  await dialogs.ask({
    title: page.i18n.t("ui.import.title"),
    body: view.element,
    value: () => null,
    first: view.first,
  });
  view.stop();
  return view.made;
}

class ImportView {
  #page;
  #input;
  #bar = el("progress", { class: "import-bar", hidden: true });
  #note = el("p", { class: "settings-note", role: "status" });
  #reasons = el("ul", { class: "import-reasons" });
  #isOver = false;
  made = [];

  constructor(page) {
    this.#page = page;
    const { i18n } = page;
    this.#input = el("input", {
      type: "file",
      class: "form-control",
      accept: ".json,application/json",
      "aria-label": i18n.t("ui.import.file"),
    });
    this.#input.addEventListener("change", () => this.#read(this.#input.files[0]));
    this.#bar.setAttribute("aria-label", i18n.t("ui.import.title"));
    this.element = el(
      "div",
      { class: "settings-form" },
      el("p", { class: "dialog-text" }, i18n.t("ui.import.text")),
      this.#input,
      this.#bar,
      this.#note,
      this.#reasons,
    );
  }

  get first() {
    return this.#input;
  }

  /** Nothing more is sent; what was taken in stays. */
  stop() {
    this.#isOver = true;
  }

  async #read(file) {
    if (!file) return;
    const { i18n, api, environment } = this.#page;
    this.#reasons.replaceChildren();
    const found = await conversationsOf(file);
    if (found.length === 0) {
      setText(this.#note, i18n.t("ui.import.nothing"));
      return;
    }
    this.#input.disabled = true;
    this.#bar.max = found.length;
    this.#bar.value = 0;
    show(this.#bar, true);
    setText(this.#note, i18n.count("ui.import.going", found.length));
    const { made, failed } = await importAll(api, found, {
      newKey: environment.newKey,
      progress: (done) => (this.#bar.value = done),
      isOver: () => this.#isOver,
    });
    this.made.push(...made);
    this.#input.disabled = false;
    this.#input.value = "";
    show(this.#bar, false);
    this.#tell(made, failed);
    this.#input.focus();
  }

  #tell(made, failed) {
    const { i18n } = this.#page;
    const parts = [i18n.count("ui.import.done", made.length)];
    if (failed.length > 0) parts.push(i18n.count("ui.import.failed", failed.length));
    setText(this.#note, parts.join(" "));
    const reasons = failed.slice(0, MOST_REASONS).map(({ title, error }) => {
      const name = title || i18n.t("ui.conversation.untitled");
      const why = error.isNoAnswer ? i18n.t("ui.error.no_answer") : error.sentence;
      return el("li", {}, `${name}: ${why}`);
    });
    this.#reasons.replaceChildren(...reasons);
  }
}

async function conversationsOf(file) {
  try {
    return conversationsIn(JSON.parse(await file.text()));
  } catch {
    return []; // no JSON, or the file is gone
  }
}
