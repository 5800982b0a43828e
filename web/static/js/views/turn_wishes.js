// What a person wants of the conversation in view: send, edit, stop, answer again, another model.

import { hear } from "../lib/events.js";

/** Hears every such wish from `root` and carries it out. */
export function listenToTurns(root, page, views, inView, screen) {
  const { announcer, i18n } = page;
  const { composer, notices, transcript } = views;

  async function send(content, { parentId = null, isPinned = false } = {}) {
    const { conversation } = inView;
    notices.clear("failure");
    if (conversation.pending) {
      // one at a time: the order of turns is the order of sending
      announcer.say(i18n.t("ui.composer.blocked"));
      composer.giveBack(content);
      return;
    }
    const settings = screen.newSettings;
    const sent = conversation.send(content, { model: screen.model?.id, parentId, isPinned, settings });
    transcript.toBottom();
    await sent;
  }

  async function regenerate(messageId, model = screen.model?.id) {
    await inView.conversation.regenerate(messageId, { model });
    composer.focus();
  }

  async function stop() {
    const { conversation } = inView;
    const reply = conversation.activeReply;
    if (!reply) return;
    announcer.say(i18n.t("ui.state.stopping"));
    await conversation.stop(reply);
  }

  async function takeBack(message) {
    const content = await inView.conversation.takeBackTurn(message);
    if (content === null) return;
    announcer.say(i18n.t("ui.said.taken_back"));
    composer.giveBack(content);
  }

  function pressed(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    // an open menu keeps its Esc to itself; a dialog or drawer is closing by it at this moment
    if (event.target.closest("[role=dialog]")) return;
    stop();
  }

  hear(root, "send", ({ content, isPinned }) => send(content, { isPinned }));
  hear(root, "edit", ({ content, parentId, isPinned }) => send(content, { parentId, isPinned }));
  hear(root, "edit-last", () => transcript.editLast());
  hear(root, "send-again", () => inView.conversation.sendAgain());
  hear(root, "take-back", () => composer.giveBack(inView.conversation.takeBack()));
  hear(root, "take-back-turn", ({ message }) => takeBack(message));
  hear(root, "regenerate", ({ messageId, model }) => regenerate(messageId, model));
  hear(root, "stop", () => stop());
  hear(root, "model", ({ id }) => {
    composer.focus();
    screen.changeSettings({ model: id });
  });
  hear(root, "files-refused", ({ text }) => {
    if (text) notices.show("files", text, { kind: "failure", canClose: true });
    else notices.clear("files");
  });
  document.addEventListener("keydown", pressed);
}
