// Puts work off until the reader is near: what is far away may never be looked at.

const MARGIN = "600px";

const waiting = new WeakMap();
const observer = new IntersectionObserver(come, { rootMargin: MARGIN, scrollMargin: MARGIN });

/** Calls `action` once, when `element` is about to come into view; a newer action replaces it. */
export function whenNear(element, action) {
  waiting.set(element, action);
  // an element that is watched already would not be reported again
  observer.unobserve(element);
  observer.observe(element);
}

function come(entries) {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    observer.unobserve(target);
    waiting.get(target)?.();
    waiting.delete(target);
  }
}
