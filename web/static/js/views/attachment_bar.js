// The files that go with the next turn: dropped, pasted or chosen, each a chip that can be taken
// off. A long paste becomes one too, unless it is pasted with Shift.

import { el, iconButton, show } from "../lib/dom.js";
import { tell } from "../lib/events.js";
import { isLongPaste, pasteAsFile, readFiles, sizeOf } from "../models/file_reading.js";

export class AttachmentBar {
  #page;
  #composer;
  #root;
  #chips;
  #input;
  #files = [];
  #isPlainPaste = false;

  /** `composer` has `changed()`, `insert(text)` and `focus()`. */
  constructor(root, page, composer) {
    this.#root = root;
    this.#page = page;
    this.#composer = composer;
    this.#chips = root.querySelector("[data-files]");
    this.#input = root.querySelector("[data-file-input]");
    this.#input.addEventListener("change", () => this.#choose());
    root.querySelector("[data-attach]").addEventListener("click", () => this.#input.click());
    const field = root.querySelector("textarea");
    field.addEventListener("keydown", (event) => {
      this.#isPlainPaste = event.shiftKey && event.key.toLowerCase() === "v";
    });
    field.addEventListener("paste", (event) => this.#paste(event));
    this.#listenToDrops();
  }

  get files() {
    return this.#files;
  }

  /** Shows these files, and no others. */
  set(files) {
    this.#files = files;
    const { i18n } = this.#page;
    this.#chips.replaceChildren(...files.map((file) => this.#chip(file)));
    show(this.#chips, files.length > 0);
    this.#chips.setAttribute("aria-label", i18n.t("ui.files.label"));
  }

  #chip(file) {
    const { i18n } = this.#page;
    const facts = `${file.name}, ${i18n.bytes(sizeOf([file]))}`;
    return el(
      "li",
      { class: "file-chip" },
      el("span", { class: "file-name", title: facts }, facts),
      file.isPaste &&
        el(
          "button",
          { type: "button", class: "text-button", on: { click: () => this.#putIn(file) } },
          i18n.t("ui.files.as_text"),
        ),
      iconButton("close", i18n.t("ui.files.remove", { name: file.name }), {
        on: { click: () => this.#remove(file) },
      }),
    );
  }

  #change(files) {
    this.set(files);
    this.#composer.changed();
  }

  #remove(file) {
    this.#change(this.#files.filter((each) => each !== file));
    this.#composer.focus();
  }

  #putIn(file) {
    this.#remove(file);
    this.#composer.insert(file.content);
  }

  async #choose() {
    await this.#add([...this.#input.files]);
    this.#input.value = ""; // the same file may be chosen again
    this.#composer.focus();
  }

  async #add(files) {
    const { announcer, i18n } = this.#page;
    const { files: read, refused } = await readFiles(files, this.#files);
    if (read.length > 0) {
      this.#change([...this.#files, ...read]);
      announcer.say(i18n.t("ui.files.added", { names: read.map(({ name }) => name).join(", ") }));
    }
    tell(this.#root, "files-refused", { text: this.#refusal(refused) });
  }

  #refusal(refused) {
    const { i18n } = this.#page;
    return refused.map(({ name, reason }) => i18n.t(`ui.files.refused.${reason}`, { name })).join(" ");
  }

  #paste(event) {
    const { files } = event.clipboardData;
    if (files.length > 0) {
      event.preventDefault();
      this.#add([...files]);
      return;
    }
    const text = event.clipboardData.getData("text/plain");
    if (this.#isPlainPaste || !isLongPaste(text)) return;
    event.preventDefault();
    const { announcer, i18n } = this.#page;
    const file = pasteAsFile(text, i18n.t("ui.files.pasted"), this.#files);
    this.#change([...this.#files, file]);
    announcer.say(i18n.t("ui.files.added", { names: file.name }));
  }

  // Files may be let go anywhere: a miss would replace the page by the file.
  #listenToDrops() {
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      this.#root.classList.add("is-target");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) this.#root.classList.remove("is-target");
    });
    document.addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.#root.classList.remove("is-target");
      this.#add([...event.dataTransfer.files]);
      this.#composer.focus();
    });
  }
}
