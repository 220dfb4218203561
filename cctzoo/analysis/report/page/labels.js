// The labels of a report, and the heads that recognise one of them.
import { element, rounded } from "../../../pages/js/dom.js";
import { sortableTable } from "../../../pages/js/table.js";
import { chooser, uniqueId } from "./chooser.js";
import { diagonal } from "./fields.js";

// Tables of all labels and of the heads of one label. Returns { node, choose(label) }.
export function labelTables(store, report, titled) {
  const blocks = report.sides.trained;
  const heads = headsByLabel(blocks, report.classes.length);
  const table = element("div");
  const select = chooser(uniqueId("label"), "Label", report.classes, (index) => choose(index));

  function choose(label) {
    select.choose(label);
    const rows = heads[label].map((each) => ({
      ...each,
      field: diagonal(report, each.of, each.head, label),
      importance: report.scores["importance/importance"]?.[each.block]?.[each.head],
    }));
    table.replaceChildren(
      sortableTable({
        caption: `Heads that recognise ${report.classes[label]}: ${rows.length}${report.suffix}`,
        rows,
        sortBy: "field",
        descending: true,
        columns: [
          { title: "head", value: (each) => 1000 * each.block + each.head, text: (_, each) => `${each.block}.${each.head}`, help: "block.head; opens the head" },
          { title: "field", value: (each) => each.field, text: (value) => rounded(value), help: "field of the label with itself, as a share of the head's largest field" },
          { title: "importance", value: (each) => each.importance, text: (value) => rounded(value, 3) },
          { title: "in a cluster with", words: true, value: (each) => each.others.map((other) => report.classes[other]).join(", ") },
        ],
        onSelect: (each) => store.chooseIn(report, each.block, each.head),
      }),
    );
  }

  const all = sortableTable({
    caption: `All labels: the number of heads that recognise each of them${report.suffix}.`,
    rows: report.classes.map((name, label) => ({ name, label })),
    columns: [
      { title: "label", words: true, value: (each) => each.name },
      ...blocks.map(({ block }) => ({
        title: `block ${block}`,
        value: (each) => heads[each.label].filter((found) => found.block === block).length,
      })),
      { title: "all", value: (each) => heads[each.label].length },
    ],
    onSelect: (each) => choose(each.label),
  });
  choose(0);
  const node = element("div", {}, ...titled, element("div", { class: "row" }, select.field), element("div", { class: "columns" }, table, all));
  return { node, choose };
}

function headsByLabel(blocks, classes) {
  const found = Array.from({ length: classes }, () => []);
  for (const of of blocks) {
    of.clusters.forEach((clusters, head) => {
      for (const cluster of clusters) {
        for (const label of cluster) {
          found[label].push({ of, block: of.block, head, others: cluster.filter((each) => each !== label) });
        }
      }
    });
  }
  return found;
}
