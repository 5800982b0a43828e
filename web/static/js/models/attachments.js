// Files in a turn. There is no other place for them than the turn's text: each is a fenced block
// after it, whose info string is "language name" and whose fence is longer than any inside.

const LANGUAGES = {
  bash: "bash sh zsh",
  c: "c h",
  cpp: "cc cpp cxx hh hpp hxx",
  csharp: "cs",
  css: "css",
  dart: "dart",
  diff: "diff patch",
  dockerfile: "dockerfile",
  elixir: "ex exs",
  erlang: "erl",
  go: "go",
  graphql: "graphql",
  groovy: "groovy gradle",
  haskell: "hs",
  ini: "ini cfg conf env toml",
  java: "java",
  javascript: "js cjs mjs jsx",
  json: "json jsonl ipynb",
  julia: "jl",
  kotlin: "kt kts",
  latex: "tex",
  lua: "lua",
  makefile: "makefile mk",
  markdown: "md markdown",
  perl: "pl pm",
  php: "php",
  powershell: "ps1",
  protobuf: "proto",
  python: "py pyi",
  r: "r",
  ruby: "rb",
  rust: "rs",
  scala: "scala",
  scss: "scss",
  sql: "sql",
  swift: "swift",
  typescript: "ts tsx mts cts",
  vim: "vim",
  xml: "xml html htm svg vue",
  yaml: "yaml yml",
};

const LANGUAGE_OF = new Map(
  Object.entries(LANGUAGES).flatMap(([language, endings]) =>
    endings.split(" ").map((ending) => [ending, language]),
  ),
);
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*(.*)$/;
const INFO = /^(\S+) (\S+)$/;

/** A file as it is kept: a name of one word, its language, and text with plain line ends. */
export function attachment(name, content) {
  const oneWord = name.trim().replace(/[\s`~]+/g, "_") || "texto";
  return { name: oneWord, language: languageOf(oneWord), content: content.replace(/\r\n?/g, "\n") };
}

/** The turn's content: the text, then every file as a fenced block. */
export function withAttachments(text, files) {
  const { open } = blocksOf(text.split("\n"));
  // a fence that was left open would swallow the first file
  const said = open && files.length > 0 ? `${text.trimEnd()}\n${open.fence}` : text.trim();
  return [said, ...files.map(fenced)].filter(Boolean).join("\n\n");
}

/** The reverse: {text, files: [{name, language, content}]} of a turn's content. */
export function split(content) {
  const lines = content.split("\n");
  const files = [];
  let end = lines.length;
  for (const block of blocksOf(lines).blocks.reverse()) {
    const info = INFO.exec(block.info);
    if (!info || !isBlank(lines, block.last + 1, end)) break;
    files.unshift({
      name: info[2],
      language: info[1],
      content: lines.slice(block.first + 1, block.last).join("\n"),
    });
    end = block.first;
  }
  return { text: lines.slice(0, end).join("\n").trim(), files };
}

function fenced({ name, language, content }) {
  const longest = Math.max(2, ...[...content.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const body = content.endsWith("\n") || content === "" ? content : `${content}\n`;
  return `${fence}${language} ${name}\n${body}${fence}`;
}

/** The closed fenced blocks, first and last line included, and the one that is left open or null. */
function blocksOf(lines) {
  const blocks = [];
  let open = null;
  lines.forEach((line, index) => {
    const [, fence, info] = FENCE.exec(line) ?? [];
    if (!fence || (fence[0] === "`" && info.includes("`"))) return;
    if (!open) open = { first: index, fence, info: info.trim() };
    else if (info.trim() === "" && fence.startsWith(open.fence)) {
      blocks.push({ ...open, last: index });
      open = null;
    }
  });
  return { blocks, open };
}

function isBlank(lines, from, to) {
  return lines.slice(from, to).every((line) => line.trim() === "");
}

function languageOf(name) {
  const ending = name.toLowerCase().split("/").pop().split(".").pop();
  return LANGUAGE_OF.get(ending) ?? "text";
}
