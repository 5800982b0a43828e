// The settings of one conversation: model, instructions (also from those saved), and what the
// chosen model lets one set. Fetched when first asked for.

import { el, setText, show } from "../lib/dom.js";
import { Prompts } from "../models/prompts.js";

const EFFORTS = ["minimal", "low", "medium", "high"];

/**
 * Asks for the settings; resolves to what has changed, {model, system_prompt, params} or fewer, or
 * to null. `settings` are the present ones; `model` is the model in use.
 */
export async function askSettings(page, dialogs, { settings, model }) {
  const form = new SettingsForm(page, settings, model);
  form.loadPrompts();
  return dialogs.ask({
    title: page.i18n.t("ui.conversation.settings"),
    body: form.element,
    action: page.i18n.t("ui.save"),
    isWide: true,
    value: () => form.changes(),
    first: form.first,
  });
}

class SettingsForm {
  #page;
  #settings;
  #model;
  #prompts;
  #modelField;
  #text;
  #saved;
  #savedRow;
  #name;
  #saveButton;
  #removeButton;
  #note;
  #params;

  constructor(page, settings, model) {
    this.#page = page;
    this.#settings = settings;
    this.#model = model;
    this.#prompts = new Prompts(page.api);
    this.element = el("div", { class: "settings-form" }, this.#buildModel(), this.#buildPrompt());
    this.#params = this.#buildParams();
    this.element.append(...Object.values(this.#params).map(({ row }) => row));
    this.#showParams();
  }

  get first() {
    return this.#modelField;
  }

  async loadPrompts() {
    try {
      await this.#prompts.load();
      this.#showPrompts();
    } catch (error) {
      this.#say(error.sentence || this.#t("ui.error.no_answer"));
    }
  }

  changes() {
    const changes = {};
    if (this.#modelField.value !== (this.#model?.id ?? "")) changes.model = this.#modelField.value;
    const before = this.#settings.system_prompt ?? "";
    if (this.#text.value !== before) changes.system_prompt = this.#text.value;
    const params = this.#readParams();
    if (JSON.stringify(params) !== JSON.stringify(this.#settings.params ?? {})) changes.params = params;
    return changes;
  }

  #buildModel() {
    const { store, i18n } = this.#page;
    const options = store.models
      .filter(({ available }) => available)
      .map(({ id, label, local }) =>
        el("option", { value: id }, local ? `${label} (${i18n.t("ui.model.local")})` : label),
      );
    this.#modelField = el("select", { class: "form-select", id: "settings-model" }, options);
    this.#modelField.value = this.#model?.id ?? "";
    this.#modelField.addEventListener("change", () => this.#showParams());
    return this.#row("settings-model", "ui.settings.model", this.#modelField);
  }

  #buildPrompt() {
    this.#text = el("textarea", { class: "form-control", id: "settings-prompt", rows: "7" });
    this.#text.value = this.#settings.system_prompt ?? "";
    if (this.#settings.system_prompt === undefined)
      this.#text.placeholder = this.#t("ui.instructions.usual");
    this.#saved = el("select", { class: "form-select", "aria-label": this.#t("ui.prompts.choose") });
    this.#saved.addEventListener("change", () => this.#choose());
    this.#name = el("input", {
      class: "form-control",
      maxlength: "100",
      "aria-label": this.#t("ui.prompts.name"),
      placeholder: this.#t("ui.prompts.name"),
    });
    // Enter here saves these instructions, not the whole form
    this.#name.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      this.#save();
    });
    this.#saveButton = this.#button("plain-button", "ui.prompts.save", () => this.#save());
    this.#removeButton = this.#button("text-button", "ui.prompts.remove", () => this.#remove());
    this.#note = el("p", { class: "settings-note", role: "status" });
    this.#savedRow = el("div", { class: "settings-prompts" }, this.#saved, this.#removeButton);
    this.#showPrompts();
    const row = this.#row("settings-prompt", "ui.instructions.title", this.#text);
    row.append(
      el("p", { class: "settings-hint" }, this.#t("ui.instructions.text")),
      this.#savedRow,
      el("div", { class: "settings-prompts" }, this.#name, this.#saveButton),
      this.#note,
    );
    return row;
  }

  #showPrompts(chosenId = "") {
    const { list } = this.#prompts;
    this.#saved.replaceChildren(
      el("option", { value: "" }, this.#t("ui.prompts.choose")),
      ...list.map(({ id, name }) => el("option", { value: id }, name)),
    );
    this.#saved.value = chosenId;
    show(this.#savedRow, list.length > 0);
    show(this.#removeButton, chosenId !== "");
  }

  #choose() {
    const prompt = this.#prompts.list.find(({ id }) => id === this.#saved.value);
    show(this.#removeButton, Boolean(prompt));
    if (!prompt) return;
    this.#text.value = prompt.content;
    this.#name.value = prompt.name;
  }

  async #save() {
    const name = this.#name.value.trim();
    if (name === "") {
      this.#say(this.#t("ui.prompts.needs_name"));
      this.#name.focus();
      return;
    }
    await this.#attempt(async () => {
      const saved = await this.#prompts.save(name, this.#text.value);
      this.#showPrompts(saved.id);
      this.#say(this.#t("ui.prompts.saved", { name }));
    });
  }

  async #remove() {
    await this.#attempt(async () => {
      await this.#prompts.remove(this.#saved.value);
      this.#name.value = "";
      this.#showPrompts();
      this.#say(this.#t("ui.prompts.removed"));
      this.#name.focus();
    });
  }

  #buildParams() {
    const number = (id, attributes) =>
      el("input", { type: "number", class: "form-control", id, inputmode: "decimal", ...attributes });
    const placeholder = this.#t("ui.settings.by_model");
    const effort = el(
      "select",
      { class: "form-select", id: "settings-effort" },
      el("option", { value: "" }, placeholder),
      EFFORTS.map((each) => el("option", { value: each }, this.#t(`ui.settings.effort.${each}`))),
    );
    const fields = {
      temperature: number("settings-temperature", { min: "0", max: "2", step: "0.1", placeholder }),
      reasoning_effort: effort,
      max_output_tokens: number("settings-length", { min: "1", step: "1", placeholder }),
    };
    const names = {
      temperature: "ui.settings.temperature",
      reasoning_effort: "ui.settings.effort",
      max_output_tokens: "ui.settings.length",
    };
    const params = this.#settings.params ?? {};
    return Object.fromEntries(
      Object.entries(fields).map(([name, field]) => {
        field.value = params[name] ?? "";
        return [name, { field, row: this.#row(field.id, names[name], field) }];
      }),
    );
  }

  // A setting that the model doesn't take stays kept, unseen: the next model may take it.
  #showParams() {
    const model = this.#page.store.models.find(({ id }) => id === this.#modelField.value);
    for (const [name, { row, field }] of Object.entries(this.#params)) {
      show(row, model?.parameters.includes(name) ?? false);
      field.disabled = row.hidden;
      if (name === "max_output_tokens") field.max = String(model?.max_output_tokens ?? "");
    }
  }

  #readParams() {
    const params = {};
    for (const [name, { field }] of Object.entries(this.#params)) {
      if (field.value === "") continue;
      params[name] = field.type === "number" ? Number(field.value) : field.value;
    }
    return params;
  }

  #row(id, label, field) {
    return el("div", { class: "settings-row" }, el("label", { for: id }, this.#t(label)), field);
  }

  #button(className, label, action) {
    return el("button", { type: "button", class: className, on: { click: action } }, this.#t(label));
  }

  async #attempt(action) {
    try {
      await action();
    } catch (error) {
      this.#say(error.sentence || this.#t("ui.error.no_answer"));
    }
  }

  #say(text) {
    setText(this.#note, text);
  }

  #t(key, values) {
    return this.#page.i18n.t(key, values);
  }
}
