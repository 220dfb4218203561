// A table whose columns sort.
import { element } from "./dom.js";

// columns: { title, value(row), text(value, row)?, words?, help? }; `words` marks a column of
// text, or of long text if it is "wide"; `text` formats a value as a string or a node. Empty
// values are sorted last.
// onSelect(row) is called for a row that is clicked, or reached and opened by keyboard.
export function sortableTable({
  caption, columns, rows, onSelect = null, sortBy = null, descending = false,
}) {
  const body = element("tbody");
  const heads = columns.map((column) => {
    const press = { type: "button", title: column.help, onclick: () => sort(column) };
    const place = { scope: "col", class: wordsClass(column) };
    return element("th", place, element("button", press, column.title));
  });
  const state = { column: null, descending: false };

  function sort(column, down = null) {
    const text = Boolean(column.words);
    state.descending = down ?? (state.column === column ? !state.descending : !text);
    state.column = column;
    const sign = state.descending ? -1 : 1;
    rows = [...rows].sort((a, b) => compare(column.value(a), column.value(b), sign));
    heads.forEach((head, i) => {
      const order = state.descending ? "descending" : "ascending";
      if (columns[i] === column) head.setAttribute("aria-sort", order);
      else head.removeAttribute("aria-sort");
    });
    show();
  }

  function show() {
    body.replaceChildren(...rows.map(line));
  }

  function line(row) {
    const cells = columns.map((column, i) => {
      const { value, text } = column;
      const found = value(row);
      const shown = text ? text(found, row) : String(found ?? "–");
      const open = { type: "button", class: "link", onclick: () => onSelect(row) };
      const content = onSelect && i === 0 ? element("button", open, shown) : shown;
      return element("td", { class: wordsClass(column) }, content);
    });
    return element("tr", {}, ...cells);
  }

  const first = columns.find((column) => column.title === sortBy);
  if (first) sort(first, descending);
  else show();
  const head = element("thead", {}, element("tr", {}, ...heads));
  return element(
    "div",
    { class: "table", tabindex: "0", role: "region", "aria-label": caption },
    element("table", {}, element("caption", {}, caption), head, body),
  );
}

const wordsClass = ({ words }) => (words ? `words${words === true ? "" : ` ${words}`}` : null);

function compare(a, b, sign) {
  const empty = (value) => value === null || value === undefined || Number.isNaN(value);
  if (empty(a) || empty(b)) return empty(a) - empty(b);
  return sign * (typeof a === "string" ? a.localeCompare(b, undefined, { numeric: true }) : a - b);
}
