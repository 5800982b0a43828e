// Builds and finds elements. Text goes in as text nodes only: HTML is markdown/'s business.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element: `attributes` may hold `class`, `dataset`, `on` ({event: listener}) and any attribute;
 * true means an empty attribute, false and null leave it out. Children are nodes and strings, of
 * which false and null are left out too.
 */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "dataset") Object.assign(element.dataset, value);
    else if (key === "on") {
      for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    } else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => typeof child === "string" || child));
  return element;
}

/** An icon of templates/icons.svg, hidden from screen readers: the button around it has the name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A quiet button that shows an icon and is called `label`. */
export function iconButton(name, label, attributes = {}) {
  const { class: extra = "", ...rest } = attributes;
  return el(
    "button",
    { type: "button", class: `icon-button ${extra}`.trim(), title: label, "aria-label": label, ...rest },
    icon(name),
  );
}

/** Writes the text only when it differs, so that nothing repaints and no selection is lost. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows or hides by the `hidden` attribute. */
export function show(element, visible) {
  element.hidden = !visible;
}

/** True when a finger is the main pointer: Enter is then a new line, as phones' keyboards have it. */
export function isTouch() {
  return matchMedia("(pointer: coarse)").matches;
}

export function prefersLessMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
