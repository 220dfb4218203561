// Builds elements. Texts are only ever set as text, never as HTML.

// An element with attributes, listeners (names that start with "on") and children.
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svgElement(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// A section with a heading.
export function section(title, ...children) {
  return element("section", {}, element("h2", {}, title), ...children);
}

// Calls `draw(width)` when the width of an element becomes known, and whenever it changes.
export function onWidth(target, draw) {
  let last = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width && width !== last) draw((last = width));
  }).observe(target);
}

// Calls `draw()` when light colours change to dark ones, or back, as they do for print.
export function onScheme(draw) {
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", draw);
  }
}

const formats = new Map(); // by decimal places; `toLocaleString` would make one for each number

// A number for people: at most `digits` decimal places, without a change of its unit.
export function rounded(value, digits = 2) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!formats.has(digits)) formats.set(digits, new Intl.NumberFormat("en", { maximumFractionDigits: digits }));
  return formats.get(digits).format(value);
}
