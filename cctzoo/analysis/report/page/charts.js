// Charts of a report: two figures of every head, accuracy with fewer heads, and the blocks.
import { lineChart, scatterChart } from "../../../pages/js/chart.js";
import { element, rounded } from "../../../pages/js/dom.js";
import { chooser, uniqueId } from "./chooser.js";
import { figuresOf, MEASURES, measuresOf } from "./fields.js";

const COUNTS = ["labels", "clusters", "single", "noise", "internal"];
const SPREAD = 0.5; // of points with the same count
export const percent = (share) => rounded(100 * share, 1);

const capital = (text) => text[0].toUpperCase() + text.slice(1);

const whole = (value) => (Number.isInteger(value) ? String(value) : "");

function axis(key) {
  return { label: MEASURES[key][0], ...(COUNTS.includes(key) ? { format: whole } : {}) };
}

// Every head as a point, whose two figures are chosen; a click chooses the head.
export function headScatter(store, report, titled) {
  const measures = measuresOf(report);
  const names = measures.map((each) => MEASURES[each][0]);
  const blocks = report.sides.trained;
  const place = element("div");
  const id = uniqueId("scatter");
  const [across, up] = [`${id}x`, `${id}y`].map((each, i) => chooser(each, ["Across", "Up"][i], names, draw));
  const entries = ["all", ...blocks.map((each) => String(each.block))];
  const shown = chooser(`${id}b`, "Blocks", entries, draw);
  up.choose(Math.max(measures.indexOf("importance"), 0));

  let figure = null;
  let points = [];
  function draw() {
    const [x, y] = [measures[across.index], measures[up.index]];
    const drawn = shown.index ? [blocks[shown.index - 1]] : blocks;
    const series = drawn.map((block) => ({
      name: `block ${block.block}`,
      colour: blocks.indexOf(block),
      points: block.clusters.map((_, head) => {
        const found = figuresOf(report, "trained", block, head);
        const apart = (key) => (COUNTS.includes(key) ? SPREAD * (((head * 7) % 16) / 15 - 0.5) : 0);
        return { x: found[x] + apart(x), y: found[y] + apart(y), found, block: block.block, head };
      }),
    }));
    points = series.flatMap((each) => each.points);
    const apart = COUNTS.includes(x) || COUNTS.includes(y) ? " Points of the same count are spread a little." : "";
    figure = scatterChart({
      caption: `${capital(MEASURES[y][0])} against ${MEASURES[x][0]} of each head. Click, or press Enter, to choose a head.${apart}`,
      x: axis(x),
      y: axis(y),
      series,
      describe: ({ found, block, head }) =>
        `Head ${head} of block ${block}: ${MEASURES[x][0]} ${rounded(found[x], 3)}, ${MEASURES[y][0]} ${rounded(found[y], 3)}`,
      onSelect: ({ block, head }) => store.chooseIn(report, block, head),
    });
    place.replaceChildren(figure);
    mark();
  }
  function mark() {
    const view = store.views.find(({ side }) => side.report === report && side.name === "trained");
    figure.choose(points.find((each) => each.block === view?.block && each.head === view?.head) ?? null);
  }
  draw();
  store.listen(mark);
  return element("div", {}, ...titled, element("div", { class: "row" }, across.field, up.field, shown.field), place);
}

// Accuracy against the number of kept heads, with a slider that reads all orders at once.
export function keptHeads(report, titled) {
  const id = uniqueId("kept");
  const series = Object.entries(report.kept).map(([name, pairs]) => ({
    name,
    points: pairs.map(([count, share]) => ({ x: count, y: 100 * share })),
  }));
  const counts = [...new Set(series.flatMap((each) => each.points.map((point) => point.x)))].sort((a, b) => a - b);
  const chart = lineChart({
    caption: "Test accuracy with only the best heads of every block, in several orders, without retraining.",
    x: { label: "heads kept in every block", log: counts.length > 1 },
    y: { label: "accuracy, %" },
    series,
  });
  const list = element("dl", { class: "figures" });
  const text = element("output", { for: id });
  const slider = element("input", { type: "range", id, min: 0, max: counts.length - 1, step: 1, oninput: read });
  slider.value = String(counts.length - 1);
  function read() {
    const count = counts[Number(slider.value)];
    text.textContent = `${count} of ${counts[counts.length - 1]}`;
    slider.setAttribute("aria-valuetext", `${count} heads`);
    const found = series.map((each) => [each.name, each.points.find((point) => point.x === count)]);
    list.replaceChildren(
      ...found.flatMap(([name, point]) => [element("dt", {}, name), element("dd", {}, `${rounded(point?.y, 1)} %`)]),
    );
    const best = found.map(([, point]) => point).filter(Boolean);
    chart.choose(best.reduce((a, b) => (b.y > a.y ? b : a)));
  }
  read();
  return element(
    "div", {}, ...titled, chart,
    element("div", { class: "row" }, element("label", { for: id }, "Heads kept"), slider, text),
    list,
  );
}

// Accuracy of the probe and signal-to-noise ratio of the heads, block by block.
export function alongBlocks(report, titled) {
  const { trained, fresh } = report.tables.head;
  const sides = [["trained", trained], ["fresh weights", fresh]];
  const chart = (caption, label, value) =>
    lineChart({
      caption,
      x: { label: "block", format: whole },
      y: { label },
      series: sides.map(([name, rows]) => ({
        name,
        points: rows.map((each) => ({ x: each.block, y: value(each) ?? NaN })),
      })),
    });
  const charts = [
    chart("Test accuracy of a linear probe on all heads of a block.", "accuracy, %", (each) => 100 * each.accuracy),
    chart(
      "Signal-to-noise ratio (SNR): the field of a label with itself, divided by the root mean square of the " +
        "other fields, in the heads that recognise it; the mean over the labels.",
      "SNR", (each) => each.signal_to_noise),
  ];
  return element("div", {}, ...titled, element("div", { class: "columns" }, ...charts));
}

