// The vendored libraries are what the manifest says, in the versions of package.json.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isVendored } from "../../web/static/js/markdown/highlight_languages.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const VENDOR = join(ROOT, "web/static/vendor");
const manifest = JSON.parse(await readFile(join(VENDOR, "manifest.json"), "utf8"));

test("every vendored file has the hash of the manifest, and nothing else lies there", async () => {
  const listed = [];
  for (const [name, { files }] of Object.entries(manifest)) {
    for (const [file, sha256] of Object.entries(files)) {
      const path = join(name, file);
      listed.push(path);
      const actual = createHash("sha256")
        .update(await readFile(join(VENDOR, path)))
        .digest("hex");
      assert.equal(actual, sha256, path);
    }
  }
  const entries = await readdir(VENDOR, { recursive: true, withFileTypes: true });
  const present = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(VENDOR.length + 1));
  assert.deepEqual(present.toSorted(), [...listed, "manifest.json"].toSorted());
});

test("every library has its licence and its exact pin", async () => {
  const pins = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")).devDependencies;
  for (const library of Object.values(manifest)) {
    assert.ok("LICENSE" in library.files, library.package);
    assert.equal(library.version, pins[library.package]);
  }
});

test("every language that can be highlighted is vendored", () => {
  const files = Object.keys(manifest.highlightjs.files).filter((file) => file.startsWith("languages/"));
  for (const file of files)
    assert.ok(isVendored(file.slice("languages/".length, -".min.js".length)), file);
});

test("the lock names no host", async () => {
  assert.doesNotMatch(await readFile(join(ROOT, "package-lock.json"), "utf8"), /"resolved"/);
});
