// What a browser says it is, as people call it. A name is never wrong enough to matter: it only
// helps to recognise one's own sessions.

const BROWSERS = [
  [/\bEdg(e|A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\b(Chrome|CriOS|Chromium|HeadlessChrome)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];
const SYSTEMS = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

/** {browser, system}; null for what the User-Agent header doesn't tell. */
export function readDevice(userAgent) {
  const find = (names) => names.find(([pattern]) => pattern.test(userAgent ?? ""))?.[1] ?? null;
  const browser = find(BROWSERS) ?? /^[\w.-]+/.exec(userAgent ?? "")?.[0] ?? null;
  return { browser, system: find(SYSTEMS) };
}
