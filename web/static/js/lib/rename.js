// Changes a title in its place: a field that Enter and leaving keep, and Esc gives up.

import { el } from "./dom.js";

/**
 * A field with `value`; `done(title, {byKey})` is called once, with null when nothing is to change.
 */
export function renameField({ value, label, className, done }) {
  const field = el("input", {
    class: `form-control ${className}`,
    maxlength: "200",
    "aria-label": label,
  });
  field.value = value;
  let isOver = false;
  const end = (keep, byKey) => {
    if (isOver) return; // taking the field away makes it blur
    isOver = true;
    const title = field.value.trim();
    field.remove();
    done(keep && title !== "" && title !== value ? title : null, { byKey });
  };
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      end(true, true);
    }
    if (event.key === "Escape") {
      event.stopPropagation();
      end(false, true);
    }
  });
  field.addEventListener("blur", () => end(true, false));
  // the menu that was clicked gives its own focus back first
  requestAnimationFrame(() => {
    field.focus();
    field.select();
  });
  return field;
}
