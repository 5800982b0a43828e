// What a person wants of conversations as a whole: rename, pin, archive, delete, find.

import { hear } from "../lib/events.js";
import { titleOf } from "./conversation_item.js";
import { Undo } from "./undo.js";

/** Hears every such wish from `root` and carries it out. */
export function listenToList(root, page, views, inView, screen) {
  const { activity, drafts, i18n, search, store } = page;
  const { notices, sidebar, topbar } = views;
  const undo = new Undo(page, notices);

  const isInView = (id) => id === inView.conversation.id;

  async function change(id, changes) {
    if (isInView(id)) await inView.conversation.change(changes);
    else await screen.attempt(() => store.change(id, changes));
  }

  function archive(conversation, archived) {
    change(conversation.id, { archived });
    undo.offer(i18n.t(archived ? "ui.archive.done" : "ui.archive.undone"), {
      undo: () => change(conversation.id, { archived: !archived }),
    });
  }

  function remove(conversation) {
    const { id } = conversation;
    const wasInView = isInView(id);
    store.putAway(id);
    sidebar.hide();
    if (wasInView) inView.go(null);
    undo.offer(i18n.t("ui.delete.done", { title: titleOf(conversation, i18n) }), {
      undo: () => {
        store.bringBack(id);
        if (wasInView) inView.go(id);
      },
      confirm: () =>
        screen.attempt(async () => {
          await store.remove(id);
          drafts.forget(id);
          activity.see(id);
        }),
    });
  }

  hear(root, "rename-conversation", ({ conversation, title }) => change(conversation.id, { title }));
  hear(root, "pin-conversation", ({ conversation, pinned }) => change(conversation.id, { pinned }));
  hear(root, "archive-conversation", ({ conversation, archived }) => archive(conversation, archived));
  hear(root, "delete-conversation", ({ conversation }) => remove(conversation));
  hear(root, "more-conversations", () => screen.attempt(() => store.loadMore()));
  hear(root, "show-archive", (detail) => screen.attempt(() => store.loadConversations(detail)));
  hear(root, "search", ({ query }) => screen.attempt(() => search.find(query)));
  hear(root, "more-hits", () => screen.attempt(() => search.loadMore()));
  hear(root, "open-hit", ({ conversationId, messageId }) => inView.go(conversationId, { messageId }));
  hear(root, "topbar-rename", () => topbar.startRenaming(inView.conversation.info));
  hear(root, "topbar-pin", () => {
    const { info } = inView.conversation;
    change(info.id, { pinned: !info.pinned });
  });
  hear(root, "topbar-archive", () => {
    const { info } = inView.conversation;
    archive(info, !info.archived);
  });
  hear(root, "topbar-delete", () => remove(inView.conversation.info));
}
