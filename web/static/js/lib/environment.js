// What models need of the browser; tests give their own.

/** `now()` is the time in ms that models reckon with. */
export function browserEnvironment(now) {
  return {
    setTimeout: (callback, ms) => setTimeout(callback, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    random: Math.random,
    isHidden: () => document.hidden,
    isOnline: () => navigator.onLine,
    now,
    newKey,
  };
}

// randomUUID exists only on https and localhost; a key only has to be unlike any other.
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
