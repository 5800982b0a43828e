// Brings a message of a conversation into view: it may be older than what is loaded, or on another
// branch.

/** Resolves to true when the message is among the conversation's turns. */
export async function reach(conversation, messageId) {
  if (await loadUpTo(conversation, messageId)) return true;
  await conversation.switchTo(messageId);
  return loadUpTo(conversation, messageId);
}

async function loadUpTo(conversation, messageId) {
  const isThere = () => conversation.turns.some(({ id }) => id === messageId);
  while (!isThere() && conversation.hasOlder) await conversation.loadOlder();
  return isThere();
}
