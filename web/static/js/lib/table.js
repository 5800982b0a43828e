// Rows of facts: a table where there is room, a list of named facts on a phone (css/pages.css).
// Rows stay as they are until what they show changes, so that a refresh takes no focus away.

import { el } from "./dom.js";
import { arrange } from "./keyed.js";

export class Table {
  #columns;
  #cells;
  #keyOf;
  #body;
  #rows = new Map();
  #table;
  #nothing;

  /**
   * `columns` are {name, isNumber?, isHidden?}, `cells(item)` gives one node, string or list of
   * them for each, `keyOf(item)` what makes it the same row. `caption` is for screen readers,
   * `nothing` the sentence for no rows at all. A narrow one fits a phone and stays a table there.
   */
  constructor(root, { caption, columns, cells, keyOf, nothing, isNarrow = false }) {
    this.#columns = columns;
    this.#cells = cells;
    this.#keyOf = keyOf;
    // roles by name: as a list its display would take them away
    this.#body = el("tbody", { role: "rowgroup" });
    const head = columns.map(({ name, isNumber, isHidden }) =>
      el(
        "th",
        { scope: "col", role: "columnheader", class: isNumber ? "is-number" : null },
        isHidden ? el("span", { class: "visually-hidden" }, name) : name,
      ),
    );
    this.#table = el(
      "table",
      { class: isNarrow ? "facts is-narrow" : "facts", role: "table", "aria-label": caption },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head)),
      this.#body,
    );
    this.#nothing = el("p", { class: "nothing-here" }, nothing);
    root.append(this.#table, this.#nothing);
    this.#table.hidden = true;
    this.#nothing.hidden = true;
  }

  /** Shows these items, in this order. */
  show(items) {
    const kept = new Map();
    const minute = Math.floor(Date.now() / 60_000);
    for (const item of items) {
      const key = this.#keyOf(item);
      // "3 minutes ago" grows old although the item stays the same
      const looks = `${minute} ${JSON.stringify(item)}`;
      const known = this.#rows.get(key);
      kept.set(key, known?.looks === looks ? known : { looks, row: this.#build(item, known?.row) });
    }
    this.#rows = kept;
    arrange(
      this.#body,
      [...kept.values()].map(({ row }) => row),
    );
    this.#table.hidden = items.length === 0;
    this.#nothing.hidden = items.length > 0;
  }

  // A row that takes another's place takes its focus too: the same button of the same thing.
  #build(item, before) {
    const focused = before?.contains(document.activeElement) ? document.activeElement : null;
    const cells = this.#cells(item).map((content, index) => this.#cell(this.#columns[index], content));
    const row = el("tr", { role: "row" }, cells);
    if (focused) {
      before.replaceWith(row);
      const action = focused.dataset.action;
      const heir = action ? row.querySelector(`[data-action="${action}"]`) : null;
      (heir ?? row.querySelector("button, a, select"))?.focus({ preventScroll: true });
    }
    return row;
  }

  #cell({ name, isNumber, isHidden }, content) {
    return el(
      "td",
      {
        role: "cell",
        class: isNumber ? "is-number" : isHidden ? "is-action" : null,
        "data-name": isHidden ? null : name,
      },
      content,
    );
  }
}
