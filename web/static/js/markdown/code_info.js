// What a fence's info string says, and what follows from it. Pure.

const SHELLS = new Set("bash console fish powershell ps1 sh shell shell-session terminal zsh".split(" "));
// Where the language's name isn't the ending of its files.
const ENDINGS = {
  bash: "sh",
  console: "sh",
  csharp: "cs",
  "c++": "cpp",
  dockerfile: "Dockerfile",
  elixir: "ex",
  erlang: "erl",
  fsharp: "fs",
  haskell: "hs",
  javascript: "js",
  julia: "jl",
  kotlin: "kt",
  makefile: "Makefile",
  markdown: "md",
  matlab: "m",
  objectivec: "m",
  ocaml: "ml",
  perl: "pl",
  pgsql: "sql",
  plaintext: "txt",
  powershell: "ps1",
  protobuf: "proto",
  python: "py",
  ruby: "rb",
  rust: "rs",
  shell: "sh",
  terminal: "sh",
  text: "txt",
  typescript: "ts",
  zsh: "sh",
};

/** "python title=app.py", "python:app.py", "python app.py" → {language, file} */
export function readInfo(info) {
  const [first = "", ...rest] = info.trim().split(/\s+/);
  const [, language, , path] = /^([^:{]*)(:(.+))?/.exec(first);
  const named = /(?:title|file|filename)=["']?([^"'\s}]+)/.exec(info)?.[1];
  const loose = rest.find((word) => /[./]/.test(word) && !/[={}]/.test(word));
  return { language: language.toLowerCase(), file: path ?? named ?? loose ?? "" };
}

/** A name to save the code under: a file's own name never chooses the folder. */
export function fileNameOf(language, file) {
  const own = file.split(/[/\\]/).at(-1).replace(/[\p{Cc}\p{Cf}:*?"<>|]/gu, "").replace(/^\.+/, "");
  if (own) return own;
  const ending = ENDINGS[language] ?? (/^[\w+-]{1,12}$/.test(language) ? language : "txt");
  return /^[A-Z]/.test(ending) ? ending : `epicode.${ending}`;
}

/**
 * What is copied of a block: of a shell's session only the commands, without the `$` in front of
 * them and without what they printed; of everything else all.
 */
export function commandsOf(language, text) {
  const lines = text.split("\n");
  if (!SHELLS.has(language) || !lines.some(isPrompt)) return text;
  const commands = [];
  let goesOn = false;
  for (const line of lines) {
    if (isPrompt(line)) commands.push(line.replace(/^\s*\$ /, ""));
    else if (goesOn) commands.push(line.replace(/^> /, ""));
    goesOn = (isPrompt(line) || goesOn) && line.endsWith("\\");
  }
  return commands.join("\n");
}

function isPrompt(line) {
  return /^\s*\$ /.test(line);
}
