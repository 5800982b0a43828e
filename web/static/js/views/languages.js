// The language of pages that have no settings: a cookie says it to the server.

const YEAR_SECONDS = 365 * 24 * 60 * 60;

/** Keeps the choice; the next page is in that language. */
export function chooseLanguage(lang) {
  document.cookie = `lang=${lang}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
}

/** Whether somebody has chosen in this browser, whatever the account says. */
export function hasChosenLanguage() {
  return /(^|; )lang=/.test(document.cookie);
}

/** The buttons [data-language] inside `root`. */
export function listenToLanguages(root) {
  for (const button of root.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => {
      chooseLanguage(button.dataset.language);
      location.reload();
    });
  }
}
