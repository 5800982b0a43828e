// Colours code whose language is named; the language is never guessed. highlight.js and each
// language are fetched the first time that they are needed: most first views need neither.

import { EMBEDDED, languageOf } from "./highlight_languages.js";
import { highlightedFragment } from "./sanitize.js";

const VENDOR = "../../vendor/highlightjs";
const LIMIT = 50_000;

const loading = new Map();
let core = null;

/** The highlighted code as a fragment, or null: unknown language, or too long to be worth it. */
export async function highlight(text, name) {
  const language = languageOf(name);
  if (!language || text.length > LIMIT) return null;
  core ??= import(`${VENDOR}/core.min.js`).then((module) => module.default, forget);
  const hljs = await core;
  await Promise.all([language, ...(EMBEDDED[language] ?? [])].map((each) => load(hljs, each)));
  return highlightedFragment(hljs.highlight(text, { language, ignoreIllegals: true }).value);
}

function load(hljs, language) {
  if (!loading.has(language)) {
    const loaded = import(`${VENDOR}/languages/${language}.min.js`).then(
      (module) => hljs.registerLanguage(language, module.default),
      (error) => {
        loading.delete(language);
        throw error;
      },
    );
    loading.set(language, loaded);
  }
  return loading.get(language);
}

// A fetch that failed is tried again with the next block.
function forget(error) {
  core = null;
  throw error;
}
