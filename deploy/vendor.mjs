// Copies the libraries of the page from node_modules to web/static/vendor, unchanged, each with
// its licence, and writes manifest.json: version and SHA-256 of every file. Run it as
// `npm run vendor` after a change of package.json; whoever only uses EpiCode never needs Node.

import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const TARGET = join(ROOT, "web/static/vendor");

// Languages of programmers' questions. hljs never guesses here, so that each is loaded by name,
// when the first fence that names it closes.
const LANGUAGES = (
  "bash c clojure cmake cpp csharp css dart diff dockerfile elixir erlang fortran fsharp go gradle " +
  "graphql groovy haskell http ini java javascript json julia kotlin latex less lisp lua makefile " +
  "markdown matlab nginx nix objectivec ocaml perl pgsql php plaintext powershell properties " +
  "protobuf python python-repl r ruby rust scala scss shell sql swift typescript vbnet vim wasm " +
  "xml yaml"
).split(" ");

const LIBRARIES = {
  axios: { package: "axios", files: ["dist/esm/axios.min.js", "LICENSE"] },
  bootstrap: {
    package: "bootstrap",
    files: ["dist/css/bootstrap.min.css", "dist/js/bootstrap.bundle.min.js", "LICENSE"],
  },
  dompurify: { package: "dompurify", files: ["dist/purify.min.js", "LICENSE"] },
  highlightjs: {
    package: "@highlightjs/cdn-assets",
    files: ["es/core.min.js", ...LANGUAGES.map((name) => `es/languages/${name}.min.js`), "LICENSE"],
  },
  marked: { package: "marked", files: ["lib/marked.esm.js", "LICENSE"] },
};

await rm(TARGET, { recursive: true, force: true });
const manifest = {};
for (const [name, library] of Object.entries(LIBRARIES)) {
  manifest[name] = await copyLibrary(name, library);
}
await writeFile(join(TARGET, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);

async function copyLibrary(name, library) {
  const source = join(ROOT, "node_modules", library.package);
  const { version, license } = JSON.parse(await readFile(join(source, "package.json"), "utf8"));
  const files = {};
  for (const path of library.files) {
    const place = join(path.includes("/languages/") ? "languages" : "", basename(path));
    const target = join(TARGET, name, place);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(source, path), target);
    files[place] = createHash("sha256")
      .update(await readFile(target))
      .digest("hex");
  }
  return { package: library.package, version, license, files };
}
