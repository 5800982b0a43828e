// What the keyboard can do anywhere on the page.

import { openDrawer } from "../lib/bootstrap.js";
import { tell } from "../lib/events.js";

/** Hears the keys; `search` is the search field, `startNew()` begins a conversation. */
export function listenToKeys(root, { sidebar, search, startNew }) {
  document.addEventListener("keydown", async (event) => {
    if (event.isComposing || event.altKey || isInDialog(event.target, sidebar)) return;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (command && !event.shiftKey && key === "k") {
      event.preventDefault();
      await openDrawer(sidebar);
      search.focus();
      search.select();
    } else if (command && event.shiftKey && key === "o") {
      event.preventDefault();
      startNew();
    } else if ((command && key === "/") || (event.key === "?" && !command && !isField(event.target))) {
      event.preventDefault();
      tell(root, "show-shortcuts");
    }
  });
}

function isField(element) {
  return element.closest("input, textarea, select, [contenteditable]") !== null;
}

// The drawer of a phone is a dialog too, but the page's own.
function isInDialog(element, sidebar) {
  const dialog = element.closest("[role=dialog]");
  return dialog !== null && dialog !== sidebar;
}
