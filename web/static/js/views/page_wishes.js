// What a person wants of the page itself: its dialogs and sheets, each fetched when first wanted.

import { hear } from "../lib/events.js";

/** Hears every such wish from `root` and carries it out. */
export function listenToPage(root, page, views, inView, screen) {
  const { announcer, i18n, store } = page;
  const { dialogs, sidebar } = views;

  async function changeSettings() {
    const { conversation } = inView;
    const { askSettings } = await import("./conversation_settings.js");
    const { model, settings } = screen;
    const changes = await askSettings(page, dialogs, { settings, model });
    if (!changes || conversation !== inView.conversation || Object.keys(changes).length === 0) return;
    await screen.changeSettings(changes);
    announcer.say(i18n.t("ui.settings.saved"));
  }

  async function takeIn() {
    sidebar.hide();
    const { askImport } = await import("./import_dialog.js");
    const made = await askImport(page, dialogs);
    if (made.length === 0) return;
    await store.loadConversations();
    if (made.length === 1) await inView.go(made[0].id);
  }

  async function showShortcuts() {
    sidebar.hide();
    const sheet = await import("./shortcut_sheet.js");
    await sheet.showShortcuts(page, dialogs);
  }

  hear(root, "topbar-settings", () => screen.attempt(changeSettings));
  hear(root, "import", () => screen.attempt(takeIn));
  hear(root, "show-shortcuts", () => screen.attempt(showShortcuts));
}
