// Hands a text to the browser as a file to keep.

const LATER_MS = 10_000;

export function download(name, text, type = "text/plain") {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // the browser reads it after this task: not before it may be let go
  setTimeout(() => URL.revokeObjectURL(address), LATER_MS);
}
