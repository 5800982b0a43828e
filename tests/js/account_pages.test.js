// What the pages beside the chat stand on: where signing in leads, whose drafts are whose, lists.

import assert from "node:assert/strict";
import { test } from "node:test";
import { safePath } from "../../web/static/js/lib/address.js";
import { ago, day } from "../../web/static/js/lib/when.js";
import { readDevice } from "../../web/static/js/models/device.js";
import { Drafts } from "../../web/static/js/models/drafts.js";
import { Listing } from "../../web/static/js/models/listing.js";
import { OwnStorage } from "../../web/static/js/models/own_storage.js";

const HERE = "https://chat.example";

test("signing in leads back to a path of this site, with all that was in it", () => {
  assert.equal(safePath("/c/0193?x=1#fin", HERE), "/c/0193?x=1#fin");
});

test("signing in never leads to another site", () => {
  const written = ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example"];
  for (const wanted of [...written, "/\t/evil.example", "javascript:alert(1)", "c/1", "", null])
    assert.equal(safePath(wanted, HERE), "/", String(wanted));
});

test("one person's drafts are not another's, nor local mode's", () => {
  const browser = fakeStorage();
  const [alice, bob, local] = ["alice", "bob", null].map(
    (id) => new Drafts(new OwnStorage(browser, id)),
  );
  alice.keepText(null, "de Alice");
  local.keepText(null, "de nadie");
  assert.equal(bob.text(null), "");
  assert.equal(alice.text(null), "de Alice");
  assert.equal(local.text(null), "de nadie");
});

test("signing out takes away one's own and nothing else", () => {
  const browser = fakeStorage();
  new Drafts(new OwnStorage(browser, "alice")).keepText("c1", "de Alice");
  new Drafts(new OwnStorage(browser, "bob")).keepText("c1", "de Bob");
  browser.setItem("epicode.theme", "dark");
  new OwnStorage(browser, "alice").clear();
  assert.deepEqual(Object.keys(browser).toSorted(), ["bob.epicode.draft.c1", "epicode.theme"]);
  new OwnStorage(browser, null).clear();
  assert.equal(browser.getItem("epicode.theme"), "dark");
});

test("a session is recognised by browser and system", () => {
  const cases = [
    ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox", "Linux"],
    ["Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge", "Windows"],
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari", "iPhone"],
    ["Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome", "Android"],
    ["curl/8.5.0", "curl", null],
    ["", null, null],
  ];
  for (const [agent, browser, system] of cases) assert.deepEqual(readDevice(agent), { browser, system });
});

test("times are told from now, in both directions", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  assert.equal(ago("es", "2026-11-23T11:55:00Z", now), "hace 5 minutos");
  assert.equal(ago("en", "2026-11-30T12:00:00Z", now), "in 7 days");
  assert.equal(ago("es", "2026-11-22T12:00:00Z", now), "ayer");
});

test("a day is the same day wherever it is read", () => {
  assert.equal(day("en", "2026-11-23"), "Nov 23, 2026");
});

test("a list grows by pages, and an older answer never wins", async () => {
  const answers = [];
  const list = new Listing(() => new Promise((resolve) => answers.push(resolve)));
  const first = list.load();
  const second = list.load();
  answers[1]({ data: [{ id: 2 }], next: "más" });
  answers[0]({ data: [{ id: 1 }], next: null });
  await Promise.all([first, second]);
  assert.deepEqual(list.items, [{ id: 2 }]);
  assert.equal(list.hasMore, true);
  const more = list.loadMore();
  answers[2]({ data: [{ id: 2 }, { id: 3 }], next: null });
  await more;
  assert.deepEqual(list.items, [{ id: 2 }, { id: 3 }]);
  assert.equal(list.hasMore, false);
});

test("a refresh takes nothing from whoever has gone further down", async () => {
  let asked = 0;
  const list = new Listing(async ({ cursor }) => {
    asked += 1;
    return cursor ? { data: [{ id: 2 }], next: null } : { data: [{ id: 1 }], next: "más" };
  });
  await list.load();
  await list.refresh();
  assert.equal(asked, 2);
  await list.loadMore();
  await list.refresh();
  assert.equal(asked, 3);
  assert.deepEqual(list.items, [{ id: 1 }, { id: 2 }]);
});

test("a list takes in what has changed", () => {
  const list = new Listing(() => null);
  let told = 0;
  list.addEventListener("change", () => (told += 1));
  list.add({ id: 1, role: "member" });
  list.add({ id: 2, role: "member" });
  list.replace({ id: 1, role: "admin" });
  list.remove(2);
  assert.deepEqual(list.items, [{ id: 1, role: "admin" }]);
  assert.equal(told, 4);
});

/** As localStorage: its items are its own properties. */
function fakeStorage() {
  const methods = {
    getItem(name) {
      return this[name] ?? null;
    },
    setItem(name, value) {
      this[name] = value;
    },
    removeItem(name) {
      delete this[name];
    },
  };
  return Object.create(methods);
}
