// Views speak upwards by events that bubble; whoever owns them listens at the root.

/** Sends "epicode:<type>" up from `element`. */
export function tell(element, type, detail = {}) {
  element.dispatchEvent(new CustomEvent(`epicode:${type}`, { bubbles: true, detail }));
}

/** Calls `listener(detail)` for "epicode:<type>" from `root` or anything inside it. */
export function hear(root, type, listener) {
  root.addEventListener(`epicode:${type}`, (event) => listener(event.detail));
}
