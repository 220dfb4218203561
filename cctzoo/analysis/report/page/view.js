// One head of some weights: its figures, its matrix, and the samples that it answers to most.
import { diverging } from "../../../pages/js/colours.js";
import { element, rounded } from "../../../pages/js/dom.js";
import { heatMap } from "../../../pages/js/matrix.js";
import { chooser, uniqueId } from "./chooser.js";
import { clusterOrder, fieldsOf, figuresOf, MEASURES, measuresOf } from "./fields.js";
import { rolesOf } from "./roles.js";
import { answers } from "./samples.js";
import { blockOf } from "./store.js";

// A view, which redraws itself when the store changes.
export function headView(store, view, onLabel) {
  const id = uniqueId("view");
  const content = element("div");
  const weights = chooser(`${id}-weights`, "Weights", store.sides.map((side) => side.title), (index) =>
    store.show(view, store.sides[index]));
  const block = chooser(`${id}-block`, "Block", [], (_, text) => store.choose(view, Number(text), 0));
  const head = chooser(`${id}-head`, "Head", [], (index) => store.choose(view, view.block, index));
  const measure = chooser(`${id}-measure`, "Colour of the map", [], () => drawMap());
  const map = element("div");
  let shown = null;

  function drawMap() {
    const { report, name, blocks } = view.side;
    const names = measuresOf(report, name);
    measure.fill(names.map((each) => MEASURES[each][0]));
    const key = names[measure.index] ?? names[0];
    const most = Math.max(...blocks.map((each) => each.clusters.length));
    const values = blocks.flatMap((each) =>
      Array.from({ length: most }, (_, i) =>
        i < each.clusters.length ? figuresOf(report, name, each, i)[key] : NaN));
    const describe = (row, column, value) =>
      Number.isFinite(value)
        ? `Block ${blocks[row].block}, head ${column}: ${MEASURES[key][0]} ${rounded(value, 3)}`
        : `Block ${blocks[row].block} has no head ${column}`;
    const figure = heatMap({
      caption: `All heads, coloured by ${MEASURES[key][0]}: ${MEASURES[key][1]}. Yellow is most; the chosen head is framed. Click, or press Enter, to choose a head.`,
      values,
      rowNames: blocks.map((each) => String(each.block)),
      columnNames: Array.from({ length: most }, (_, i) => String(i)),
      rowTitle: "block",
      columnTitle: "head",
      describe,
      high: 16,
      onSelect: (row, column) =>
        column < blocks[row].clusters.length && store.choose(view, blocks[row].block, column),
    });
    map.replaceChildren(figure);
    place = () => figure.mark(blocks.indexOf(blockOf(view.side, view.block)), view.head);
    place();
  }
  let place = () => {};

  function update() {
    const { side } = view;
    const found = blockOf(side, view.block);
    weights.choose(store.sides.indexOf(side));
    block.fill(side.blocks.map((each) => String(each.block)));
    block.choose(side.blocks.indexOf(found));
    head.fill(found.clusters.map((_, i) => String(i)));
    head.choose(view.head);
    if (shown !== side) drawMap();
    else place();
    shown = side;
    content.replaceChildren(...headOf(side, found, view.head, onLabel));
  }
  store.listen(update);
  update();
  const step = (by) => {
    const count = blockOf(view.side, view.block).clusters.length;
    store.choose(view, view.block, (view.head + by + count) % count);
  };
  const button = (label, text, by) =>
    element("button", { type: "button", class: "button", "aria-label": label, onclick: () => step(by) }, text);
  return element(
    "div",
    { class: "view", id },
    element("div", { class: "row" }, weights.field),
    element("div", { class: "row" }, block.field, head.field, button("Previous head", "◀", -1), button("Next head", "▶", 1)),
    element("details", { open: "" }, element("summary", {}, "Map of all heads"), element("div", { class: "row" }, measure.field), map),
    content,
  );
}

function headOf(side, block, head, onLabel) {
  const { report, name } = side;
  const clusters = block.clusters[head];
  const figures = figuresOf(report, name, block, head);
  const flagged = block.flagged.includes(head);
  const chip = (label) => {
    const press = { type: "button", class: "chip", onclick: () => onLabel(report, label) };
    return element("button", press, report.classes[label]);
  };
  const groups = clusters.map((cluster) => element("li", { class: "cluster" }, ...cluster.map(chip)));
  const list = Object.entries(figures).flatMap(([key, value]) => [
    element("dt", { title: MEASURES[key][1] }, MEASURES[key][0]),
    element("dd", {}, rounded(value, 3)),
  ]);
  const none = flagged
    ? "No field of this head is positive, so that it recognises no label."
    : "This head recognises no label.";
  return [
    element("h3", {}, `Head ${head} of block ${block.block}, ${side.title}`),
    element("h4", {}, "Labels of this head, by cluster"),
    groups.length ? element("ul", { class: "clusters" }, ...groups) : element("p", {}, none),
    element("dl", { class: "figures" }, ...list),
    ...answers(report, block, head),
    element("h4", {}, "Fields of this head (SHP)"),
    matrixOf(side, block, head),
    ...(name === "trained" ? rolesOf(report, block.block, head, chip) : []),
  ];
}

function matrixOf({ report }, block, head) {
  const clusters = block.clusters[head];
  const classes = report.classes.length;
  const order = clusterOrder(clusters, classes);
  const fields = fieldsOf(report, block, head);
  const { threshold } = report.options;
  const values = Float32Array.from(
    { length: classes ** 2 },
    (_, i) => fields[order[Math.floor(i / classes)] * classes + order[i % classes]],
  );
  const frames = [];
  clusters.forEach((cluster) => {
    const first = frames.length ? frames[frames.length - 1][1] + 1 : 0;
    frames.push([first, first + cluster.length - 1]);
  });
  const inside = (row, column) =>
    frames.some(([first, last]) => first <= Math.min(row, column) && Math.max(row, column) <= last);
  const names = order.map((label) => report.classes[label]);
  return heatMap({
    caption:
      "What this head alone says for each output (column), averaged over the " +
      "samples of each true label (row), as a share of its largest field. Orange is for the output, " +
      `purple against it. Clusters are framed. Dots are noise: above ${threshold}, outside the frames.`,
    values,
    rowNames: names,
    columnNames: names,
    rowTitle: "true label",
    columnTitle: "output",
    range: [-1, 1],
    colours: diverging,
    frames,
    marks: (row, column) => values[row * classes + column] > threshold && !inside(row, column),
    describe: (row, column, value) =>
      `True label ${names[row]}, output ${names[column]}: ${rounded(value)} of the largest field`,
  });
}
