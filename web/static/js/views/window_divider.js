// The dashed line above the first turn that was sent: how many are not, and, when files are among
// them, an offer to pin these.

import { el, icon, setText } from "../lib/dom.js";
import { tell } from "../lib/events.js";

const MOST_OFFERS = 3;

export class WindowDivider {
  #page;
  #words = el("span");
  #offers = el("span", { class: "divider-offers" });
  #offered = "";

  constructor(page) {
    this.#page = page;
    this.element = el("div", { class: "window-divider" }, el("p", {}, this.#words, this.#offers));
  }

  /** `files` are [{messageId, name}] of turns above that aren't sent. */
  update(turns, files) {
    const { i18n } = this.#page;
    setText(this.#words, i18n.count("ui.window.omitted", turns));
    const wanted = files.slice(-MOST_OFFERS);
    const offered = JSON.stringify(wanted);
    if (offered === this.#offered) return;
    this.#offered = offered;
    this.#offers.replaceChildren(...wanted.map((file) => this.#offer(file)));
  }

  #offer({ messageId, name }) {
    return el(
      "button",
      {
        type: "button",
        class: "text-button divider-pin",
        on: { click: () => tell(this.element, "mark", { messageId, mark: "always" }) },
      },
      icon("pin"),
      this.#page.i18n.t("ui.window.pin_file", { name }),
    );
  }
}
