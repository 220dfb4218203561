// The tables of a report: its blocks, and all heads.
import { element, rounded } from "../../../pages/js/dom.js";
import { sortableTable } from "../../../pages/js/table.js";
import { percent } from "./charts.js";
import { chooser, uniqueId } from "./chooser.js";
import { figuresOf, MEASURES, measuresOf, ROLES } from "./fields.js";
import { directionsOf, peakOf, raisedBy } from "./roles.js";

const UNITS = { head: "heads", attention_node: "attention nodes", mlp_node: "MLP nodes", stream_node: "stream nodes" };

// The means of every block; one table, whose kind of unit is chosen.
export function blockTable(report, leastEvidence, titled) {
  const units = Object.keys(report.tables);
  const place = element("div");
  const select = chooser(uniqueId("units"), "Means over", units.map((each) => UNITS[each] ?? each), draw);
  const sides = {
    trained: "trained",
    beyond_chance: `trained, ${leastEvidence} standard errors`,
    fresh: "fresh weights",
  };
  const mean = (title, key, help) => ({ title, value: (each) => each[key], text: (value) => rounded(value), help });
  function draw() {
    const unit = units[select.index];
    const rows = Object.entries(sides).flatMap(([side, name]) =>
      report.tables[unit][side].map((each) => ({ ...each, name })));
    rows.sort((a, b) => a.block - b.block);
    place.replaceChildren(
      sortableTable({
        caption: `Means over the ${UNITS[unit] ?? unit} of each block${report.suffix}.`,
        rows,
        columns: [
          { title: "block", value: (each) => each.block },
          { title: "weights", words: true, value: (each) => each.name },
          { title: "probe, train %", value: (each) => each.train_accuracy, text: percent },
          { title: "probe, test %", value: (each) => each.accuracy, text: percent },
          mean("SNR", "signal_to_noise", "signal-to-noise ratio"),
          mean("labels", "labels", MEASURES.labels[1]),
          mean("clusters", "clusters", MEASURES.clusters[1]),
          mean("of one label", "unit_clusters", MEASURES.single[1]),
          mean("cluster size", "cluster_size", "labels per cluster"),
          mean("noise", "noise", MEASURES.noise[1]),
          mean("noise at labels", "internal_noise", MEASURES.internal[1]),
          mean("without cluster", "empty", "units that recognise no label"),
          mean("labels covered", "covered", "labels that at least one unit recognises"),
        ],
      }),
    );
  }
  draw();
  return element("div", {}, ...titled, element("div", { class: "row" }, select.field), place);
}

// All heads: a table of what they recognise and how much they matter, and one of their roles.
export function headTables(store, report, titled) {
  const rows = report.sides.trained.flatMap((block) =>
    block.clusters.map((_, head) => ({
      block: block.block,
      head,
      ...figuresOf(report, "trained", block, head),
    })));
  const number = {
    title: "head",
    value: (each) => 1000 * each.block + each.head,
    text: (_, each) => `${each.block}.${each.head}`,
    help: "block.head",
  };
  const figure = (key) => ({
    title: MEASURES[key][0],
    value: (each) => each[key],
    text: (value) => rounded(value, 3),
    help: MEASURES[key][1],
  });
  const words = (title, help, value) => ({ title, words: true, help, value: ({ block, head }) => value(report, block, head) });
  const table = (caption, columns) =>
    sortableTable({
      caption: `${caption}${report.suffix}. The number of a head opens it.`,
      rows,
      columns: [number, ...columns],
      onSelect: (each) => store.chooseIn(report, each.block, each.head),
    });
  return element(
    "div", {}, ...titled,
    table("All heads of the trained model", measuresOf(report).filter((key) => !ROLES.includes(key)).map(figure)),
    element("h3", { class: "later" }, "Roles of all heads"),
    table("Where the heads look, how freely, and which classes they write to", [
      words("looks at", "the offset from the query with the largest mean attention", peakOf),
      ...ROLES.slice(0, -1).map(figure),
      words("raises", "the class whose logit the head raises most for samples of this class", raisedBy),
      figure("explained"),
      words("writes to", "the classes whose directions explain what the head says, the first most", (...of) =>
        directionsOf(...of).map(({ name }) => name).join(", ")),
    ]),
  );
}
