// What stops everything else: questions, settings, sheets. Each is built when asked and gone when
// answered; the focus returns to where it was.

import { bootstrap } from "../lib/bootstrap.js";
import { el } from "../lib/dom.js";

export class Dialogs {
  #page;

  constructor(page) {
    this.#page = page;
  }

  /** Resolves to true when the person says yes. */
  async confirm({ title, text, action }) {
    const body = el("p", { class: "dialog-text" }, text);
    return (
      (await this.ask({ title, body, action, isDanger: true, waits: true, value: () => true })) ?? false
    );
  }

  /**
   * Some of `choices` ({id, label}), at least `least` and at most `most` of them. Resolves to their
   * ids in order, or to null when the person turns away.
   */
  async pick({ title, text, choices, chosen, least, most, action }) {
    const boxes = choices.map(({ id, label }) => {
      const box = el("input", { type: "checkbox", class: "form-check-input", value: id });
      box.checked = chosen.includes(id);
      return { box, row: el("label", { class: "choice" }, box, label) };
    });
    const ids = () => boxes.filter(({ box }) => box.checked).map(({ box }) => box.value);
    const refresh = () => {
      for (const { box } of boxes) box.disabled = !box.checked && ids().length >= most;
      boxes[0]?.box.setCustomValidity(ids().length < least ? text : "");
    };
    const list = el("fieldset", { class: "dialog-choices" }, el("legend", { class: "visually-hidden" }, title));
    list.append(...boxes.map(({ row }) => row));
    list.addEventListener("change", refresh);
    refresh();
    return this.fill({ title, text, body: list, action, value: ids, first: boxes[0].box });
  }

  /** A form of the caller's: resolves to what `value()` gives, or to null when turned away. */
  async fill({ title, text, body, action, value, first }) {
    const said = [el("p", { class: "dialog-text" }, text), body];
    return this.ask({ title, body: said, action, value, first });
  }

  /**
   * Shows `body` under a title. Resolves to `value()` when the person agrees by `action`, to null
   * when they turn away; without an action there is nothing but to close it. `first` gets the focus.
   * `waits`: not before it has gone and given the focus back, for what changes the opener itself.
   */
  async ask({
    title,
    body,
    action = null,
    isDanger = false,
    isWide = false,
    waits = false,
    value,
    first = null,
  }) {
    let answer = null;
    const { i18n } = this.#page;
    const opener = openerOf(document.activeElement);
    const no = el(
      "button",
      { type: "button", class: "plain-button", "data-bs-dismiss": "modal" },
      i18n.t(action ? "ui.cancel" : "ui.close"),
    );
    const yes =
      action &&
      el("button", { type: "submit", class: isDanger ? "send danger-button" : "send" }, action);
    const form = el(
      "form",
      { class: "modal-content" },
      el(
        "div",
        // a long sheet is scrolled by the keyboard, which needs something in it to stand on
        { class: "modal-body", tabindex: action ? null : "0" },
        el("h2", { class: "dialog-title", id: "dialog-title" }, title),
        body,
      ),
      el("div", { class: "modal-footer" }, no, yes),
    );
    const root = el(
      "div",
      { class: "modal fade", tabindex: "-1", "aria-labelledby": "dialog-title" },
      el(
        "div",
        { class: `modal-dialog modal-dialog-centered modal-dialog-scrollable ${isWide ? "is-wide" : ""}` },
        form,
      ),
    );
    document.body.append(root);
    const { Modal } = await bootstrap();
    const modal = new Modal(root);
    return new Promise((resolve) => {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        if (!action) return;
        // at once: whoever is quick sends the next message while the dialog is still fading
        answer = value();
        if (!waits) resolve(answer);
        modal.hide();
      });
      root.addEventListener("shown.bs.modal", () => (first ?? no).focus());
      root.addEventListener("hidden.bs.modal", () => {
        const focused = document.activeElement;
        // whoever was quick has gone on to something else while this was fading
        const isFree = root.contains(focused) || focused === document.body;
        modal.dispose();
        root.remove();
        if (isFree) this.#giveFocusTo(opener);
        resolve(answer);
      });
      modal.show();
    });
  }

  #giveFocusTo(opener) {
    if (opener?.isConnected && opener.offsetParent !== null) opener.focus({ preventScroll: true });
    else this.#page.focusComposer();
  }
}

/** A menu's item is gone when the dialog closes: its button stands for it. */
function openerOf(element) {
  const menu = element.closest(".dropdown, .dropup");
  return menu?.querySelector("[data-bs-toggle]") ?? element;
}
