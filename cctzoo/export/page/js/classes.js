// The list of classes with bars and percent.

import { headline, percent, ranked } from "./answer.js";
import { byId, element } from "./dom.js";

const MOST = 10; // rows, before "show all"

let all = false;
let latest = [];

export function showClasses(output, about) {
  latest = ranked(output, about);
  draw();
  return headline(latest);
}

export function announce(text) {
  if (byId("headline").textContent !== text) byId("headline").textContent = text;
}

export function clearClasses() {
  latest = [];
  draw();
  announce("");
  byId("timing").textContent = "";
}

export function showTimes(times) {
  const parts = Object.entries(times).map(([name, ms]) => `${name}\u00a0${ms.toFixed(1)}\u00a0ms`);
  byId("timing").textContent = parts.join(" · ");
}

function draw() {
  const list = byId("classes");
  const rows = latest.slice(0, all ? latest.length : MOST);
  while (list.children.length > rows.length) list.lastChild.remove();
  while (list.children.length < rows.length) {
    const bar = element("span", { class: "bar", "aria-hidden": "true" }, element("span"));
    const parts = [element("span", { class: "name" }), bar, element("span", { class: "percent" })];
    list.append(element("li", {}, ...parts));
  }
  rows.forEach(({ name, probability, chosen }, i) => {
    const row = list.children[i];
    const [label, bar, share] = row.children;
    row.className = chosen ? "chosen" : "";
    row.dataset.probability = probability; // with all digits
    label.textContent = name;
    bar.firstChild.style.width = `${100 * probability}%`;
    share.textContent = percent(probability);
  });
  const button = byId("more");
  button.hidden = latest.length <= MOST;
  button.setAttribute("aria-expanded", String(all));
  button.textContent = all ? `Show the first ${MOST}` : `Show all ${latest.length} classes`;
}

byId("more").addEventListener("click", () => {
  all = !all;
  draw();
});
