// Conversations from a file: an export of our own, or the conversations.json of ChatGPT. They go to
// the server one at a time, so that one that doesn't fit stops no other.

/**
 * The conversations of a parsed file: [{title, body: {format, conversation}}]; empty when it is
 * neither of the two.
 */
export function conversationsIn(json) {
  return (Array.isArray(json) ? json : [json]).flatMap((each) => {
    if (each === null || typeof each !== "object") return [];
    if (each.mapping && typeof each.mapping === "object")
      return [{ title: each.title ?? "", body: { format: "chatgpt", conversation: each } }];
    if (Array.isArray(each.messages))
      return [{ title: each.title ?? "", body: { format: "epicode", conversation: each } }];
    return [];
  });
}

/**
 * Sends them in order. `progress(done)` is called after each; `isOver()` true stops. Resolves to
 * {made: conversations, failed: [{title, error}]}.
 */
export async function importAll(api, found, { newKey, progress, isOver }) {
  const made = [];
  const failed = [];
  for (const { title, body } of found) {
    if (isOver()) break;
    try {
      made.push(await api.importConversation(body, newKey()));
    } catch (error) {
      failed.push({ title, error });
      if (error.status === 401) break;
    }
    progress(made.length + failed.length);
  }
  return { made, failed };
}
