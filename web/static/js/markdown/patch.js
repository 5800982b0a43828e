// Makes a block look like its newer rendering by changing only what differs. So a selection or a
// focused button in the part that stayed survives the next poll.

/** Changes the children of `current` into those of `wanted`, which is emptied on the way. */
export function patchChildren(current, wanted) {
  const newer = [...wanted.childNodes];
  newer.forEach((node, index) => {
    const old = current.childNodes[index];
    if (!old) current.append(node);
    else if (!patchNode(old, node)) old.replaceWith(node);
  });
  while (current.childNodes.length > newer.length) current.lastChild.remove();
}

/** True when `old` now equals `node`; false when it has to be replaced. */
function patchNode(old, node) {
  if (old.nodeType !== node.nodeType || old.nodeName !== node.nodeName) return false;
  if (old.nodeType === Node.TEXT_NODE) {
    patchText(old, node.data);
    return true;
  }
  if (old.codeBlock || node.codeBlock) return takeOver(old.codeBlock, node.codeBlock);
  if (!hasEqualAttributes(old, node)) return false;
  patchChildren(old, node);
  return true;
}

function patchText(old, text) {
  if (old.data === text) return;
  if (text.startsWith(old.data)) old.appendData(text.slice(old.data.length));
  else old.data = text;
}

function takeOver(old, newer) {
  if (!old || !newer || old.info !== newer.info) return false;
  old.update(newer.text, newer.closed);
  return true;
}

function hasEqualAttributes(old, node) {
  return (
    old.attributes.length === node.attributes.length &&
    [...node.attributes].every(({ name, value }) => old.getAttribute(name) === value)
  );
}
