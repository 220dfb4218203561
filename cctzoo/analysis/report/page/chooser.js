// A select with its label, and ids that no other element has.
import { element } from "../../../pages/js/dom.js";

let ids = 0;

export const uniqueId = (prefix) => `${prefix}${++ids}`;

// onChoose(index, text) is called when another entry is chosen.
export function chooser(id, title, entries, onChoose) {
  const select = element("select", { id, onchange: () => onChoose(select.selectedIndex, select.value) });
  let known = "";
  const made = {
    field: element("span", { class: "chooser" }, element("label", { for: id }, title), select),
    get index() {
      return Math.max(select.selectedIndex, 0);
    },
    choose: (index) => (select.selectedIndex = index),
    fill(texts) {
      const key = JSON.stringify(texts);
      if (key === known) return;
      known = key;
      select.replaceChildren(...texts.map((text) => element("option", { value: text }, text)));
    },
  };
  made.fill(entries);
  return made;
}
