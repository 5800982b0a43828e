// Which names of languages mean which vendored file of highlight.js. deploy/vendor.mjs copies them.

const FILES = new Set(
  (
    "bash c clojure cmake cpp csharp css dart diff dockerfile elixir erlang fortran fsharp go gradle " +
    "graphql groovy haskell http ini java javascript json julia kotlin latex less lisp lua makefile " +
    "markdown matlab nginx nix objectivec ocaml perl pgsql php plaintext powershell properties " +
    "protobuf python python-repl r ruby rust scala scss shell sql swift typescript vbnet vim wasm " +
    "xml yaml"
  ).split(" "),
);

const ALIASES = {
  atom: "xml", bat: "powershell", "c#": "csharp", "c++": "cpp", cc: "cpp", clj: "clojure",
  console: "shell", cs: "csharp", cxx: "cpp", docker: "dockerfile", env: "properties", ex: "elixir",
  exs: "elixir", "f#": "fsharp", gql: "graphql", golang: "go", h: "c", hpp: "cpp", hs: "haskell",
  htm: "xml", html: "xml", jl: "julia", js: "javascript", json5: "json", jsonc: "json",
  jsx: "javascript", kt: "kotlin", make: "makefile", md: "markdown", mjs: "javascript", ml: "ocaml",
  objc: "objectivec", "objective-c": "objectivec", patch: "diff", pl: "perl", plpgsql: "pgsql",
  postgres: "pgsql", postgresql: "pgsql", proto: "protobuf", ps1: "powershell", py: "python",
  py3: "python", pycon: "python-repl", python3: "python", rb: "ruby", rs: "rust", sass: "scss",
  sh: "bash", svg: "xml", svelte: "xml", tex: "latex", toml: "ini", ts: "typescript",
  tsx: "typescript", vb: "vbnet", viml: "vim", vue: "xml", xhtml: "xml", xsl: "xml", yml: "yaml",
  zsh: "bash",
};

/** Languages that show others inside them. */
export const EMBEDDED = {
  xml: ["css", "javascript"],
  markdown: ["xml"],
  php: ["xml"],
  pgsql: ["python"],
  "python-repl": ["python"],
  shell: ["bash"],
  dockerfile: ["bash"],
};

/** The vendored language that a fence's first word means, or null. */
export function languageOf(name) {
  const lower = name.toLowerCase();
  const language = ALIASES[lower] ?? lower;
  return isVendored(language) ? language : null;
}

export function isVendored(language) {
  return FILES.has(language);
}
