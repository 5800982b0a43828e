// The one gate between HTML made from text and the page. Nothing else in the project may turn a
// string into elements (Trusted Types enforces it: DOMPurify's policy is the only one).

// half the size of its ES build, which isn't minified; as a module it leaves a global behind
import "../../vendor/dompurify/purify.min.js";

const purify = globalThis.DOMPurify;

// A fragment, not a string: what was judged is what is inserted, with no second parsing between.
const MARKDOWN = {
  ALLOWED_TAGS: (
    "a blockquote br code del div em h1 h2 h3 h4 h5 h6 hr li ol p pre span strong table tbody td th " +
    "thead tr ul"
  ).split(" "),
  ALLOWED_ATTR: ["class", "data-info", "href", "start", "title"],
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:|#)/i,
  // no addresses: without this only what looks like one would stay in them
  ADD_URI_SAFE_ATTR: ["data-info", "start"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const HIGHLIGHTED = { ...MARKDOWN, ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"] };

purify.addHook("afterSanitizeAttributes", (node) => {
  if (node.nodeName !== "A") return;
  const href = node.getAttribute("href");
  if (!href || href.startsWith("#")) return;
  node.setAttribute("rel", "noopener noreferrer nofollow");
  node.setAttribute("target", "_blank");
});

/** Rendered Markdown as a fragment. */
export function markdownFragment(html) {
  return purify.sanitize(html, MARKDOWN);
}

/** highlight.js' output as a fragment: spans with classes, nothing else. */
export function highlightedFragment(html) {
  return purify.sanitize(html, HIGHLIGHTED);
}
