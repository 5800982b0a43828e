// A classic script in the head: the theme has to stand before the first paint, and modules run
// after it. lib/ and views/ use it as window.epicodeTheme.
(() => {
  const KEY = "epicode.theme";
  const dark = matchMedia("(prefers-color-scheme: dark)");

  function read() {
    try {
      return localStorage.getItem(KEY) ?? "auto";
    } catch {
      return "auto";
    }
  }

  function apply() {
    const mode = read();
    const isDark = mode === "dark" || (mode === "auto" && dark.matches);
    document.documentElement.dataset.bsTheme = isDark ? "dark" : "light";
  }

  apply();
  dark.addEventListener("change", apply);
  window.addEventListener("storage", apply);
  window.epicodeTheme = {
    get mode() {
      return read();
    },
    /** mode: "auto" | "light" | "dark" */
    choose(mode) {
      try {
        localStorage.setItem(KEY, mode);
      } catch {
        // shut off: the choice can't be kept
      }
      apply();
    },
  };
})();
