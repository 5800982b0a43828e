// A secret that nobody can see again: a key, the link of an invitation. It stays until put away.

import { el, iconButton, setText } from "../lib/dom.js";

/** The element; it takes the focus as soon as it stands, so that nobody overlooks it. */
export function shownOnce({ title, secret }, { i18n, announcer, focusComposer }) {
  const field = el("input", {
    class: "form-control secret",
    readonly: true,
    "aria-label": title,
    on: { focus: () => field.select() },
  });
  field.value = secret;
  const copy = el(
    "button",
    { type: "button", class: "plain-button", on: { click: () => copySecret() } },
    i18n.t("ui.code.copy"),
  );
  const box = el(
    "div",
    { class: "shown-once", role: "group", "aria-label": title },
    el(
      "div",
      { class: "shown-once-head" },
      el("strong", {}, title),
      iconButton("close", i18n.t("ui.close"), {
        on: {
          click: () => {
            box.remove();
            focusComposer();
          },
        },
      }),
    ),
    el("div", { class: "field-line" }, field, copy),
  );
  requestAnimationFrame(() => field.focus());
  return box;

  async function copySecret() {
    try {
      await navigator.clipboard.writeText(secret);
      setText(copy, i18n.t("ui.code.copied"));
      announcer.say(i18n.t("ui.code.copied"));
    } catch {
      // no clipboard over plain http: selected, it is one key away
      field.select();
      announcer.say(i18n.t("ui.code.not_copied"));
    }
  }
}
