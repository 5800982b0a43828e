// Where to go after signing in. The address came in the page's own address, where anybody may have
// written it: only a path of this site is followed.

/** The path of `wanted` if it is one of this site's, else "/". */
export function safePath(wanted, origin) {
  if (!wanted?.startsWith("/")) return "/";
  try {
    // the URL reader, and not we, knows what "//host" and "/\host" mean
    const url = new URL(wanted, origin);
    return url.origin === origin ? url.pathname + url.search + url.hash : "/";
  } catch {
    return "/";
  }
}
