// The page's settings: theme and language, and the buttons beside them. The language is the server's
// too: a cookie says it, and the page loads anew.

import { hideDropdown } from "../lib/bootstrap.js";
import { tell } from "../lib/events.js";
import { chooseLanguage } from "./languages.js";

export class Settings {
  constructor(root) {
    for (const input of root.querySelectorAll("[name=theme]")) {
      input.checked = input.value === window.epicodeTheme.mode;
      input.addEventListener("change", () => window.epicodeTheme.choose(input.value));
    }
    for (const input of root.querySelectorAll("[name=lang]")) {
      input.addEventListener("change", () => {
        chooseLanguage(input.value);
        location.reload();
      });
    }
    // the menu stays open for a choice, but what these open stands in its place
    for (const button of root.querySelectorAll("[data-tell]")) {
      button.addEventListener("click", () => {
        hideDropdown(root.querySelector("[data-bs-toggle]"));
        tell(root, button.dataset.tell);
      });
    }
  }
}
