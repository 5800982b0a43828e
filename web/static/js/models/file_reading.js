// Makes attachments of files and of long pastes: text only, and not more than a post may hold.

import { attachment } from "./attachments.js";

// A post may have 2 MiB, and JSON needs room to escape.
const MOST_BYTES = 1_500_000;
const LONG_PASTE_CHARACTERS = 4000;
const LONG_PASTE_LINES = 100;
const REPLACED = "\ufffd";

/** True for a paste that would fill the field: it is better off as a file. */
export function isLongPaste(text) {
  return text.length > LONG_PASTE_CHARACTERS || text.split("\n", LONG_PASTE_LINES + 1).length > LONG_PASTE_LINES;
}

/**
 * Reads `files` beside those that are there already. Resolves to {files, refused}: each refused one
 * is {name, reason} with reason "binary" or "big".
 */
export async function readFiles(files, there) {
  const read = [];
  const refused = [];
  let room = MOST_BYTES - sizeOf(there);
  for (const file of files) {
    const reason = file.size > room ? "big" : null;
    const content = reason ? null : await textOf(file);
    if (content === null) refused.push({ name: file.name, reason: reason ?? "binary" });
    else {
      read.push(attachment(freeName(file.name, [...there, ...read]), content));
      room -= file.size;
    }
  }
  return { files: read, refused };
}

/** A paste as a file among the others. */
export function pasteAsFile(text, name, there) {
  return { ...attachment(freeName(`${name}.txt`, there), text), isPaste: true };
}

export function sizeOf(files) {
  return files.reduce((sum, { content }) => sum + new Blob([content]).size, 0);
}

async function textOf(file) {
  const text = new TextDecoder("utf-8").decode(await file.arrayBuffer());
  const isBinary = text.includes("\0") || (text.match(/\ufffd/g)?.length ?? 0) > text.length / 100;
  return isBinary ? null : text.replaceAll(REPLACED, "?");
}

// Two files of one name would be one to the model.
function freeName(name, files) {
  const taken = new Set(files.map((each) => each.name));
  if (!taken.has(name)) return name;
  const [, stem, ending] = /^(.*?)(\.[^.]*)?$/s.exec(name);
  let number = 2;
  while (taken.has(`${stem}-${number}${ending ?? ""}`)) number += 1;
  return `${stem}-${number}${ending ?? ""}`;
}
