// What a person wants of conversations as a whole: rename, delete, find, give instructions.

import { hear } from "../lib/events.js";

/** Hears every such wish from `root` and carries it out. */
export function listenToList(root, page, views, inView, screen) {
  const { announcer, drafts, i18n, store } = page;
  const { dialogs, topbar } = views;

  async function rename({ conversation, title }) {
    if (conversation.id === inView.conversation.id) await inView.conversation.change({ title });
    else await screen.attempt(() => store.rename(conversation.id, title));
  }

  async function remove(conversation) {
    const isSure = await dialogs.confirm({
      title: i18n.t("ui.delete.title"),
      text: i18n.t("ui.delete.text"),
      action: i18n.t("ui.conversation.delete"),
    });
    if (!isSure) return;
    await screen.attempt(async () => {
      await store.remove(conversation.id);
      drafts.forget(conversation.id);
      announcer.say(i18n.t("ui.delete.done"));
      if (conversation.id === inView.conversation.id) inView.go(null);
    });
  }

  async function writeInstructions() {
    const { conversation } = inView;
    const text = await dialogs.write({
      title: i18n.t("ui.instructions.title"),
      text: i18n.t("ui.instructions.text"),
      value: conversation.info.system_prompt ?? "",
      action: i18n.t("ui.save"),
    });
    if (text !== null) await conversation.change({ system_prompt: text });
  }

  hear(root, "rename-conversation", (detail) => rename(detail));
  hear(root, "delete-conversation", ({ conversation }) => remove(conversation));
  hear(root, "more-conversations", () => screen.attempt(() => store.loadMore()));
  hear(root, "search", ({ query }) => screen.attempt(() => store.loadConversations(query)));
  hear(root, "topbar-rename", () => topbar.startRenaming(inView.conversation.info));
  hear(root, "topbar-delete", () => remove(inView.conversation.info));
  hear(root, "topbar-instructions", () => writeInstructions());
}
