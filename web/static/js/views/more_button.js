// The button below a list that has more to show.

import { el, show } from "../lib/dom.js";

export function moreButton(root, listing, page) {
  const button = el(
    "button",
    {
      type: "button",
      class: "plain-button more",
      hidden: true,
      on: { click: () => page.attempt(() => listing.loadMore()) },
    },
    page.i18n.t("ui.sidebar.more"),
  );
  root.append(button);
  return { refresh: () => show(button, listing.hasMore) };
}
