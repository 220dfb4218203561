// The explorer: two views of a head, and the figures of one or two reports.
import { readData } from "../../../pages/js/data.js";
import { element, section } from "../../../pages/js/dom.js";
import { alongBlocks, headScatter, keptHeads } from "./charts.js";
import { labelTables } from "./labels.js";
import { rolloutSection } from "./samples.js";
import { makeStore } from "./store.js";
import { blockTable, headTables } from "./tables.js";
import { headView } from "./view.js";
import { introduction, machineLine, NOTES } from "./words.js";

const data = await readData();
const { reports } = data;
for (const report of reports) report.suffix = reports.length > 1 ? ` (${report.label})` : ""; // of captions
const store = makeStore(reports);
const page = document.getElementById("main");
const titled = (report) => (reports.length > 1 ? [element("h3", {}, report.label)] : []);
const quiet = (text) => element("p", { class: "note" }, text);
const columns = (make) => element("div", { class: "columns" }, ...reports.map(make));

const tables = reports.map((report) => labelTables(store, report, titled(report)));
const onLabel = (report, label) => {
  tables[reports.indexOf(report)].choose(label);
  document.getElementById("labels").scrollIntoView();
};
const link = element("input", { type: "checkbox", id: "linked", onchange: () => store.link(link.checked) });
link.checked = store.linked;
const second = element("input", { type: "checkbox", id: "second", onchange: showSecond });
second.checked = matchMedia("(min-width: 52rem)").matches;
const views = store.views.map((view) => headView(store, view, onLabel));
const frame = element("div", { class: "views" }, ...views);
function showSecond() {
  views[1].hidden = !second.checked;
  frame.classList.toggle("one", !second.checked);
}
showSecond();
const check = (input, text) => element("label", { class: "check", for: input.id }, input, text);

// Of each section: its id, its names in the bar and above it, what it says first, and its content.
const parts = [
  ["explore", "Explore", "Explore the heads", NOTES.explore, () => [
    element("div", { class: "row" }, check(second, "Compare two heads"), check(link, "Same block and head in both views")),
    frame,
  ]],
  ["labels", "Labels", "Heads of a label, labels of all heads", NOTES.labels, () => [
    element("div", { class: "columns" }, ...tables.map((each) => each.node)),
  ]],
  ["scatter", "All heads as points", "Importance and recognised labels", NOTES.scatter, () => [
    columns((report) => headScatter(store, report, titled(report))),
  ]],
  ["kept", "Fewer heads", "Accuracy with fewer heads", NOTES.kept, () => [
    columns((report) => keptHeads(report, titled(report))),
  ]],
  ["blocks", "Blocks", "Block by block", NOTES.blocks, () => [
    columns((report) => alongBlocks(report, titled(report))),
    ...reports.map((report) => blockTable(report, data.least_evidence, titled(report))),
  ]],
  ["rollout", "Rollout", "Where the whole model looks", NOTES.rollout, () => [
    columns((report) => rolloutSection(report, titled(report))),
  ]],
  ["all", "Table", "All heads", NOTES.heads, () =>
    reports.map((report) => headTables(store, report, titled(report))),
  ],
];
const state = element("span", { "aria-live": "polite" });
const links = parts.map(([id, short]) => element("a", { href: `#${id}` }, short));
const bar = element("nav", { class: "bar", "aria-label": "Sections" }, state, ...links);
const summary = reports.flatMap((report) => [
  ...titled(report),
  ...report.sentences.map((each) => element("p", {}, each)),
]);
page.append(
  ...introduction(data),
  element("details", {}, element("summary", {}, "Summary in words"), ...summary),
  bar,
);
const showState = () => {
  const [view] = store.views;
  state.textContent = `Block ${view.block}, head ${view.head}`;
  link.checked = store.linked;
};
store.listen(showState);
showState();
for (const [id, , title, note, make] of parts) {
  const made = section(title, quiet(note), ...make());
  made.id = id;
  page.append(made);
  await new Promise((resolve) => setTimeout(resolve)); // the first sections appear before the last
}
page.append(machineLine(reports));
page.dataset.ready = "true";
