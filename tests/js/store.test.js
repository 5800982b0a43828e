// The list of conversations, as answers come in whatever order.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Store } from "../../web/static/js/models/store.js";

test("a list that was asked for before a deletion brings nothing back", async () => {
  const memory = { kept: ["gone"], read: () => memory.kept, write: (_, value) => (memory.kept = value) };
  let answer;
  const api = {
    conversations: () => new Promise((resolve) => (answer = resolve)),
    deleteConversation: async () => {},
  };
  const store = new Store(api, memory);

  const loading = store.loadConversations();
  await store.finishRemovals();
  answer({ data: [{ id: "kept" }, { id: "gone" }], next: null });
  await loading;

  assert.deepEqual(store.conversations, [{ id: "kept" }]);
  assert.equal(memory.kept, null);
});
