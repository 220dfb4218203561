// A matrix as a picture, which can be read and operated by pointer and by keyboard.
import { cividis } from "./colours.js";
import { element, onScheme, onWidth, rounded } from "./dom.js";

const LARGEST = 34; // pixels of a cell, unless `largest` says another
const LEGIBLE = 13; // pixels of a cell that has room for a name
const NAMES = 0.3; // the part of the width that names may take
const FONT = "12px system-ui, sans-serif";
const KEYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// A heat map. values: rows * columns numbers; range [low, high] of the colours.
// rowNames, columnNames: what rows and columns are called; rowTitle, columnTitle: what they are.
// describe(row, column, value) is what the picture says about a cell; onSelect(row, column) is
// called for a click, or Enter. frames: [first, last] ranges of rows and columns on the diagonal.
// colours(share) is the colour of a value, 0 for the lowest; marks(row, column) says which cells
// have a dot. high: the least height of a row in pixels; by default, cells are squares.
// largest: pixels of the side of a cell.
// Returns a figure; figure.choose(row, column) moves the cursor from outside, and
// figure.mark(row, column) frames a cell until the next call.
export function heatMap({
  caption, values, rowNames, columnNames, rowTitle, columnTitle, range = null, describe = null,
  onSelect = null, frames = [], colours = cividis, marks = null, high = 0, largest = LARGEST,
}) {
  const [rows, columns] = [rowNames.length, columnNames.length];
  const finite = values.filter(Number.isFinite);
  const extreme = (choose) => finite.reduce((a, b) => choose(a, b), finite[0]);
  const [lowest, highest] = range ?? [extreme(Math.min), extreme(Math.max)];
  const value = (row, column) => values[row * columns + column];
  const place = (row, column) => `${rowTitle} ${rowNames[row]}, ${columnTitle} ${columnNames[column]}`;
  const words = describe ?? ((row, column, found) => `${place(row, column)}: ${rounded(found)}`);
  const label = `${caption} Rows: ${rowTitle}, columns: ${columnTitle}. Arrow keys move from cell to cell.`;
  const access = { tabindex: "0", role: "application", "aria-label": label };
  const canvas = element("canvas", { class: "matrix", ...access });
  const readout = element("div", { class: "readout quiet", "aria-live": "polite" });
  let at = null;
  let marked = null;
  let whole = 0; // the width that is there
  let [cell, tall] = [1, 1]; // width and height of a cell
  let [left, top] = [0, 0]; // margins for names

  function draw(width) {
    whole = width;
    const context = canvas.getContext("2d");
    context.font = FONT;
    const side = (room) => Math.max(1, Math.min(largest, Math.floor(room / columns)));
    const room = (names) => {
      const widths = names.map((each) => context.measureText(each).width);
      return Math.ceil(Math.min(widths.reduce((a, b) => Math.max(a, b), 0) + 8, NAMES * width));
    };
    left = room(rowNames);
    cell = side(width - left);
    if (Math.max(cell, high) < LEGIBLE) [left, cell] = [0, side(width)];
    tall = Math.max(cell, high);
    top = cell < LEGIBLE ? 0 : room(columnNames);
    const [across, down] = [left + columns * cell, top + rows * tall];
    const dense = Math.max(1, Math.ceil(window.devicePixelRatio));
    canvas.width = across * dense;
    canvas.height = down * dense;
    canvas.style.width = `${across}px`;
    context.scale(dense, dense);
    drawNames(context);
    context.translate(left, top);
    drawCells(context);
    frames.forEach(([first, last]) => outline(context, first, first, last - first + 1, "#ff8a3d", 2));
    if (marked) outline(context, marked[1], marked[0], 1, "#ff8a3d", 3);
    if (at) {
      outline(context, at[1], at[0], 1, "#000", 3);
      outline(context, at[1], at[0], 1, "#fff", 1);
    }
  }

  function drawNames(context) {
    context.font = FONT;
    context.fillStyle = getComputedStyle(canvas).color;
    context.textBaseline = "middle";
    const names = (each, room) => (room ? each : []);
    names(rowNames, left).forEach((name, row) => {
      context.textAlign = "right";
      context.fillText(shortened(context, name, left - 8), left - 6, top + (row + 0.5) * tall);
    });
    names(columnNames, top).forEach((name, column) => {
      context.save();
      context.translate(left + (column + 0.5) * cell, top - 6);
      context.rotate(-Math.PI / 2);
      context.textAlign = "left";
      context.fillText(shortened(context, name, top - 8), 0, 0);
      context.restore();
    });
  }

  function drawCells(context) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const found = value(row, column);
        const share = highest > lowest ? (found - lowest) / (highest - lowest) : 0;
        if (Number.isFinite(found)) {
          context.fillStyle = `rgb(${colours(share).join(" ")})`;
          context.fillRect(column * cell, row * tall, cell, tall);
        } else crossOut(context, row, column); // no grey: it is the middle of the colours
        if (marks?.(row, column)) drawDot(context, row, column);
      }
    }
  }

  function crossOut(context, row, column) {
    context.strokeStyle = getComputedStyle(canvas).color;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(column * cell, row * tall);
    context.lineTo((column + 1) * cell, (row + 1) * tall);
    context.stroke();
  }

  function drawDot(context, row, column) {
    const radius = Math.max(0.75, Math.min(3, cell / 6));
    context.beginPath();
    context.arc((column + 0.5) * cell, (row + 0.5) * tall, radius, 0, 2 * Math.PI);
    context.fillStyle = "#000";
    context.fill();
  }

  function outline(context, column, row, count, colour, thick) {
    const [x, y] = [column * cell + thick / 2, row * tall + thick / 2];
    context.strokeStyle = colour;
    context.lineWidth = thick;
    context.strokeRect(x, y, count * cell - thick, count * tall - thick);
  }

  function readCell(row, column) {
    at = [Math.min(Math.max(row, 0), rows - 1), Math.min(Math.max(column, 0), columns - 1)];
    readout.textContent = words(...at, value(...at));
    draw(whole);
  }

  const pointed = (event) => {
    const box = canvas.getBoundingClientRect();
    const pixels = [(event.clientY - box.top - top) / tall, (event.clientX - box.left - left) / cell];
    return pixels.map(Math.floor);
  };
  canvas.addEventListener("pointermove", (event) => readCell(...pointed(event)));
  canvas.addEventListener("click", (event) => {
    readCell(...pointed(event));
    onSelect?.(...at);
  });
  canvas.addEventListener("keydown", (event) => {
    if (KEYS[event.key]) readCell(...KEYS[event.key].map((step, i) => (at ? at[i] + step : 0)));
    else if ((event.key === "Enter" || event.key === " ") && at) onSelect?.(...at);
    else return;
    event.preventDefault();
  });
  const frame = element("div", {}, canvas);
  onWidth(frame, draw);
  onScheme(() => draw(whole));
  const figure = element("figure", {}, frame, readout, element("figcaption", {}, caption));
  figure.choose = readCell;
  figure.mark = (row, column) => {
    marked = [row, column];
    draw(whole);
  };
  return figure;
}

function shortened(context, name, width) {
  if (context.measureText(name).width <= width) return name;
  let end = name.length;
  while (end > 1 && context.measureText(`${name.slice(0, end)}…`).width > width) end--;
  return `${name.slice(0, end)}…`;
}
