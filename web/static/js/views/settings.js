// Theme and language. The language is the server's too: a cookie says it, and the page loads anew.

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
  }
}
