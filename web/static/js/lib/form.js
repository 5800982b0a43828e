// A form that is sent by script: what it holds as values, errors beside their fields, one sending
// at a time. The fields themselves stand in the page's template (templates/fields.html).

import { setText, show } from "./dom.js";

export class Form {
  #root;
  #texts;
  #send;
  #button;
  #isSending = false;

  /**
   * `send(values)` resolves to the sentence that says what was done, or to nothing, or rejects
   * with an ApiError. `texts` has `t(key)` and `announce(sentence)`.
   */
  constructor(root, { texts, send }) {
    this.#root = root;
    this.#texts = texts;
    this.#send = send;
    this.#button = root.querySelector("[type=submit]");
    root.addEventListener("submit", (event) => this.#submit(event));
    root.addEventListener("input", (event) => this.#forgive(event.target));
    for (const button of root.querySelectorAll("[data-reveal]")) this.#letReveal(button);
    if (window.epicodeEarly.take(root)) root.requestSubmit(this.#button);
  }

  /** What is written: text by name, null for an empty one, a list for checkboxes. */
  values() {
    const values = {};
    for (const field of this.#fields()) {
      if (field.type === "checkbox") {
        values[field.name] ??= [];
        if (field.checked) values[field.name].push(field.value);
      } else if (field.type !== "radio" || field.checked) {
        // a password is what was typed, to the last space
        const text = field.type === "password" ? field.value : field.value.trim();
        values[field.name] = text === "" ? null : text;
      }
    }
    return values;
  }

  clear() {
    this.#root.reset();
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#isSending) return;
    this.#clearErrors();
    this.#say("[data-form-done]", "");
    const missing = this.#fields().filter((field) => field.required && field.value.trim() === "");
    if (missing.length > 0) {
      for (const field of missing) this.#showError(field.name, this.#texts.t("ui.form.required"));
      missing[0].focus();
      return;
    }
    this.#setSending(true);
    try {
      const done = await this.#send(this.values());
      if (done) {
        this.#say("[data-form-done]", done);
        this.#texts.announce(done);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#setSending(false);
    }
  }

  #fail(error) {
    const strangers = [];
    for (const { field, message } of error.errors ?? []) {
      if (!this.#showError(field.split(".")[0], message)) strangers.push(message);
    }
    const first = this.#root.querySelector("[aria-invalid=true]");
    if (first) first.focus();
    if (first && strangers.length === 0) return;
    this.#say("[data-form-error]", strangers.join(" ") || this.#sentenceOf(error));
  }

  #sentenceOf(error) {
    if (error.isNoAnswer) return this.#texts.t("ui.error.no_answer");
    return error.sentence || this.#texts.t("ui.error.unknown");
  }

  /** False when the form has no such field. */
  #showError(name, message) {
    const place = this.#root.querySelector(`[data-error="${name}"]`);
    if (!place) return false;
    setText(place, message);
    show(place, true);
    for (const field of this.#fields()) {
      if (field.name === name) field.setAttribute("aria-invalid", "true");
    }
    return true;
  }

  #clearErrors() {
    for (const field of this.#fields()) this.#forgive(field);
    this.#say("[data-form-error]", "");
  }

  // An error is about what stood there before: it goes as soon as that is changed.
  #forgive(field) {
    if (!field.name) return;
    field.removeAttribute("aria-invalid");
    const place = this.#root.querySelector(`[data-error="${field.name}"]`);
    if (place) show(place, false);
  }

  #say(selector, text) {
    const place = this.#root.querySelector(selector);
    if (!place) return;
    setText(place, text);
    show(place, text !== "");
  }

  #setSending(isSending) {
    this.#isSending = isSending;
    // aria-disabled keeps the focus where it is
    this.#button.setAttribute("aria-disabled", String(isSending));
  }

  #letReveal(button) {
    const field = this.#root.querySelector(`#${button.dataset.reveal}`);
    button.addEventListener("click", () => {
      const isShown = field.type === "text";
      field.type = isShown ? "password" : "text";
      button.setAttribute("aria-pressed", String(!isShown));
      setText(button, this.#texts.t(isShown ? "ui.password.show" : "ui.password.hide"));
    });
  }

  #fields() {
    return [...this.#root.elements].filter(({ name, hidden }) => name && !hidden);
  }
}
