// The sheet of `?`: every key that does something, in words. Fetched when first asked for.

import { el } from "../lib/dom.js";

const KEYS = [
  ["enter", "ui.shortcuts.send"],
  ["shift+enter", "ui.shortcuts.new_line"],
  ["up", "ui.shortcuts.edit_last"],
  ["esc", "ui.shortcuts.stop"],
  ["ctrl+shift+v", "ui.shortcuts.paste_plain"],
  ["ctrl+shift+o", "ui.shortcuts.new"],
  ["ctrl+k", "ui.shortcuts.search"],
  ["ctrl+f", "ui.shortcuts.find"],
  ["ctrl+shift+.", "ui.shortcuts.quote"],
  ["ctrl+shift+;", "ui.shortcuts.copy_code"],
  ["?", "ui.shortcuts.sheet"],
];
const NAMED = new Set(["enter", "shift", "esc", "up"]);

export function showShortcuts(page, dialogs) {
  const { i18n } = page;
  const isMac = /mac|iphone|ipad/i.test(navigator.platform);
  const name = (key) => {
    if (key === "ctrl") return isMac ? "⌘" : "Ctrl";
    return NAMED.has(key) ? i18n.t(`ui.shortcuts.name.${key}`) : key.toUpperCase();
  };
  const rows = KEYS.map(([keys, what]) =>
    el(
      "div",
      {},
      el("dt", {}, i18n.t(what)),
      el(
        "dd",
        {},
        keys.split("+").map((key) => el("kbd", {}, name(key))),
      ),
    ),
  );
  return dialogs.ask({
    title: i18n.t("ui.shortcuts.title"),
    body: el("dl", { class: "keys" }, rows),
    value: () => null,
  });
}
