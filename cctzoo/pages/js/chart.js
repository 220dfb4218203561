// Line and scatter charts in SVG, which can be read and operated by pointer and by keyboard.
import { element, onWidth, rounded, svgElement } from "./dom.js";
import { seriesColour } from "./colours.js";
import { scale } from "./scales.js";

const MARGIN = { top: 10, right: 16, bottom: 42 };
const LABEL = 30; // pixels for the label of the vertical axis
const DIGIT = 7; // pixels of a character of a tick
const NEAR = 30; // pixels between the pointer and a point that it reads
const DASHES = ["", "7 4", "2 3", "9 3 2 3", "4 4", "1 4"];
const MARKERS = [
  "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1-4 0Z",
  "M-3.5-3.5H3.5V3.5H-3.5Z",
  "M0-5L4.5 3.5H-4.5Z",
  "M0-5L5 0L0 5L-5 0Z",
  "M-4.5-3.5H4.5L0 5Z",
  "M-5-1.5H-1.5V-5H1.5V-1.5H5V1.5H1.5V5H-1.5V1.5H-5Z",
];

// A chart of series of points { x, y, ... }: { name, points, steps?, colour?, markers? }. The colour
// is that of `seriesColour`; by default each series has its own, with its own marker and dashes. The
// points of a series with `markers: false` are only joined by a line: they cannot be chosen.
// axes x, y: { label, log?, from?, to?, format? }. `describe(point, series)` is what the chart
// says about a point; `onSelect(point, series)` is called for a click, or Enter.
// Returns a figure; figure.choose(point) marks a point from outside.
export const lineChart = (options) => chart({ ...options, lines: true });
export const scatterChart = (options) => chart({ ...options, lines: false });

function chart({ caption, x, y, series, describe = null, onSelect = null, lines, height = 280 }) {
  const place = (point) => `${x.label} ${read(x, point.x)}, ${y.label} ${read(y, point.y)}`;
  const words = describe ?? ((point, each) => `${each.name}: ${place(point)}`);
  const readout = element("div", { class: "readout quiet", "aria-live": "polite" });
  const label = `${caption} Arrow keys move from point to point.`;
  const drawing = svgElement("svg", { height, tabindex: "0", role: "application", "aria-label": label });
  series = series.map((each, i) => ({ colour: i, markers: true, ...each }));
  const stops = series
    .filter(({ markers }) => markers)
    .flatMap((each, index) => each.points.map((point) => ({ point, each, index })))
    .sort((a, b) => a.point.x - b.point.x || a.index - b.index);
  let places = []; // of the stops, in pixels
  let at = -1; // the stop that is read
  let chosen = null;

  const cursor = svgElement("path", { class: "cursor", d: "M-8 0A8 8 0 1 1 8 0A8 8 0 1 1-8 0Z" });
  const mark = svgElement("path", { class: "chosen", d: "M-7-7H7V7H-7Z" });

  function draw(width) {
    const all = stops.map(({ point }) => point);
    const up = scale(all.map((each) => each.y), y, height - MARGIN.bottom, MARGIN.top);
    const longest = Math.max(4, ...up.ticks.map((each) => String(read(y, each)).length));
    const left = LABEL + DIGIT * longest;
    const across = scale(all.map((each) => each.x), x, left, width - MARGIN.right);
    places = all.map((point) => [across.at(point.x), up.at(point.y)]);
    drawing.replaceChildren(
      ...gridLines(across, up, left, width, height, x, y),
      ...series.flatMap((each) => drawSeries(each, across, up, lines)),
      mark,
      cursor,
    );
    move(mark, stops.findIndex(({ point }) => point === chosen));
    move(cursor, at);
  }

  function move(shape, index) {
    const place = places[index];
    shape.style.visibility = place ? "visible" : "hidden";
    if (place) shape.setAttribute("transform", `translate(${place.join(" ")})`);
  }

  function readStop(index) {
    if (!stops.length) return;
    at = Math.min(Math.max(index, 0), stops.length - 1);
    move(cursor, at);
    readout.textContent = words(stops[at].point, stops[at].each);
  }

  function nearest(event) {
    const box = drawing.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const distances = places.map(([left, top]) => Math.hypot(left - x, top - y));
    const found = distances.indexOf(Math.min(...distances));
    return distances[found] <= NEAR ? found : -1;
  }

  const select = () => onSelect && at >= 0 && onSelect(stops[at].point, stops[at].each);
  drawing.addEventListener("pointermove", (event) => {
    const found = nearest(event);
    if (found >= 0) readStop(found);
  });
  drawing.addEventListener("click", (event) => {
    const found = nearest(event);
    if (found < 0) return;
    readStop(found);
    select();
  });
  drawing.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (step) readStop(at + step);
    else if (event.key === "Home") readStop(0);
    else if (event.key === "End") readStop(stops.length - 1);
    else if (event.key === "Enter" || event.key === " ") select();
    else return;
    event.preventDefault();
  });
  const frame = element("div", { class: "chart" }, drawing);
  onWidth(frame, draw);
  const parts = series.length > 1 ? [legend(series, lines)] : [];
  const figure = element("figure", {}, ...parts, frame, readout, element("figcaption", {}, caption));
  figure.choose = (point) => {
    chosen = point;
    move(mark, stops.findIndex((stop) => stop.point === point));
  };
  return figure;
}

const read = (axis, value) => (axis.format ?? rounded)(value);

function gridLines(across, up, left, width, height, x, y) {
  const [bottom, right] = [height - MARGIN.bottom, width - MARGIN.right];
  const found = [];
  for (const value of up.ticks) {
    const at = up.at(value);
    const place = { class: "tick", x: left - 8, y: at + 4, "text-anchor": "end" };
    found.push(
      svgElement("line", { class: "grid", x1: left, x2: right, y1: at, y2: at }),
      svgElement("text", place, read(y, value)),
    );
  }
  for (const value of across.ticks) {
    const at = across.at(value);
    const place = { class: "tick", x: at, y: bottom + 19, "text-anchor": "middle" };
    found.push(
      svgElement("line", { class: "grid", x1: at, x2: at, y1: bottom, y2: bottom + 5 }),
      svgElement("text", place, read(x, value)),
    );
  }
  const upwards = { transform: `translate(14 ${(MARGIN.top + bottom) / 2}) rotate(-90)` };
  found.push(
    svgElement("line", { class: "grid", x1: left, x2: right, y1: bottom, y2: bottom }),
    svgElement("text", { x: (left + right) / 2, y: height - 4, "text-anchor": "middle" }, x.label),
    svgElement("text", { ...upwards, "text-anchor": "middle" }, y.label),
  );
  return found;
}

function drawSeries({ points, colour, markers, steps = false }, across, up, lines) {
  const found = [];
  const shown = points.filter((each) => Number.isFinite(each.x) && Number.isFinite(each.y));
  if ((lines || steps) && shown.length > 1) {
    const path = shown.map((point, i) => {
      const [left, top] = [across.at(point.x), up.at(point.y)];
      if (!i) return `M${left} ${top}`;
      return steps ? `H${left}V${top}` : `L${left} ${top}`;
    });
    found.push(svgElement("path", { d: path.join(""), fill: "none", ...lineStyle(colour) }));
  }
  const bare = !markers || (lines && shown.length > 60);
  for (const point of bare ? [] : shown) {
    const place = `translate(${across.at(point.x)} ${up.at(point.y)})`;
    found.push(svgElement("path", { ...markerStyle(colour), transform: place }));
  }
  return found;
}

function markerStyle(colour) {
  const round = Math.floor(colour / MARKERS.length); // the colours again, with other markers
  return { d: MARKERS[(colour + round) % MARKERS.length], fill: seriesColour(colour), stroke: "var(--paper)" };
}

function lineStyle(colour) {
  const dashes = DASHES[(colour + Math.floor(colour / DASHES.length)) % DASHES.length];
  return { stroke: seriesColour(colour), "stroke-width": 2, "stroke-dasharray": dashes };
}

function legend(series, lines) {
  const entry = ({ name, colour, markers, steps = false }) => {
    const line = svgElement("line", { x1: 0, x2: 28, y1: 7, y2: 7, ...lineStyle(colour) });
    const marker = svgElement("path", { ...markerStyle(colour), transform: "translate(14 7)" });
    const size = { width: 28, height: 14, "aria-hidden": "true" };
    const drawn = svgElement("svg", size, ...(lines || steps ? [line] : []), ...(markers ? [marker] : []));
    return element("li", {}, drawn, name);
  };
  return element("ul", { class: "legend" }, ...series.map(entry));
}
