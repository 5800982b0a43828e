// The texts of the page, from the one catalogue that the server uses too (static/i18n/*.json).
// Numbers, dates and plurals follow Intl: a counted text has its forms under key.one, key.other.

export class I18n {
  #texts;
  #cardinal;
  #ordinal;

  constructor(lang, texts) {
    this.lang = lang;
    this.#texts = texts;
    this.#cardinal = new Intl.PluralRules(lang);
    this.#ordinal = new Intl.PluralRules(lang, { type: "ordinal" });
  }

  /** The text of `key` with {name} filled in. A key that is missing shows itself. */
  t(key, values = {}) {
    const text = this.#texts[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  }

  /** The plural form of `key` for `n`; {n} is the number as people write it. */
  count(key, n, values = {}) {
    const form = this.#cardinal.select(n);
    const chosen = `${key}.${form}` in this.#texts ? form : "other";
    return this.t(`${key}.${chosen}`, { n: this.number(n), ...values });
  }

  /** "3.º", "3rd" */
  ordinal(n) {
    return this.t(`ui.ordinal.${this.#ordinal.select(n)}`, { n: this.number(n) });
  }

  number(n, options = {}) {
    return new Intl.NumberFormat(this.lang, options).format(n);
  }

  /** Seconds in short: one decimal below ten, whole ones and minutes above. */
  seconds(ms, { decimals = 1 } = {}) {
    const seconds = Math.max(0, ms) / 1000;
    if (seconds >= 90) {
      const minutes = Math.floor(seconds / 60);
      return this.t("ui.time.minutes", {
        m: this.number(minutes),
        s: this.number(Math.floor(seconds % 60)),
      });
    }
    const digits = seconds < 10 ? decimals : 0;
    const rounded = digits ? seconds : Math.floor(seconds);
    return this.t("ui.time.seconds", {
      s: this.number(rounded, { minimumFractionDigits: digits, maximumFractionDigits: digits }),
    });
  }

  /** "23 nov", with the year when it isn't this one. */
  day(iso, now = new Date()) {
    const date = new Date(iso);
    const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
    return new Intl.DateTimeFormat(this.lang, { day: "numeric", month: "short", year }).format(date);
  }

  /** "14 kB" */
  bytes(n) {
    const isSmall = n < 1_000_000;
    return this.number(Math.max(isSmall ? 1 : 0, isSmall ? n / 1000 : n / 1_000_000), {
      style: "unit",
      unit: isSmall ? "kilobyte" : "megabyte",
      maximumFractionDigits: isSmall ? 0 : 1,
    });
  }

  /** "128 mil", "128K": a size nobody needs exactly. */
  compact(n) {
    return this.number(n, { notation: "compact", maximumFractionDigits: 1 });
  }

  /** Dollars, with as many digits as a small price needs. */
  price(usd) {
    return this.number(usd, {
      style: "currency",
      currency: "USD",
      currencyDisplay: "narrowSymbol",
      maximumFractionDigits: usd !== 0 && Math.abs(usd) < 0.1 ? 4 : 2,
    });
  }
}
