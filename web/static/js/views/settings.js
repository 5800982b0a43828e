// Theme and language. The language is the server's too: a cookie says it, and the page loads anew.

const YEAR_SECONDS = 365 * 24 * 60 * 60;

export class Settings {
  constructor(root) {
    for (const input of root.querySelectorAll("[name=theme]")) {
      input.checked = input.value === window.epicodeTheme.mode;
      input.addEventListener("change", () => window.epicodeTheme.choose(input.value));
    }
    for (const input of root.querySelectorAll("[name=lang]")) {
      input.addEventListener("change", () => chooseLanguage(input.value));
    }
  }
}

function chooseLanguage(lang) {
  document.cookie = `lang=${lang}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  location.reload();
}
