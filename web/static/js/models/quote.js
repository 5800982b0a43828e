// A piece of the conversation as a Markdown quotation. Pure.

/** `language` is that of the code block it comes from, or null when it comes from none. */
export function quoted(text, language = null) {
  const lines = text.replace(/\r\n?/g, "\n").replace(/^\n+|\s+$/g, "").split("\n");
  if (language === null) return prefixed(lines);
  const longest = Math.max(2, ...lines.map((line) => /`*/.exec(line.trim())[0].length));
  const fence = "`".repeat(longest + 1);
  return prefixed([fence + language, ...lines, fence]);
}

function prefixed(lines) {
  return lines.map((line) => (line === "" ? ">" : `> ${line}`)).join("\n");
}
