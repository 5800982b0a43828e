// Puts children in order with the fewest moves: what stays in its place keeps focus, selection and
// scroll position.

/** Makes the children of `parent` exactly `wanted`, in that order. */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.childNodes]) if (!keep.has(child)) child.remove();
  wanted.forEach((element, index) => {
    const place = parent.childNodes[index] ?? null;
    if (place !== element) parent.insertBefore(element, place);
  });
}
