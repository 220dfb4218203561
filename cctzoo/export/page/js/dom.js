// Small helpers for the page. Texts from files are only ever set as text, never as HTML.

export const byId = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// A radio button on a tile with a canvas.
export function tile(group, label, width, height) {
  const input = element("input", { type: "radio", name: group, "aria-label": label });
  const canvas = element("canvas", { width, height, "aria-hidden": "true" });
  return { input, canvas, label: element("label", { class: "tile", title: label }, canvas, input) };
}

// Lets the browser paint before the next long computation.
export function painted() {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 100); // a hidden page is not painted
    requestAnimationFrame(() => setTimeout(() => (clearTimeout(timer), resolve()), 0));
  });
}
