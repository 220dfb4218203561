// The page of a search: its front, its trials, and which choices matter.
import { readData } from "../../cctzoo/pages/js/data.js";
import { element, section } from "../../cctzoo/pages/js/dom.js";
import { front } from "./front.js";
import { importance } from "./importance.js";
import { finalTrainings, method, notTrained, trialPanel, trialTable } from "./trials.js";

const data = await readData();
const main = document.getElementById("main");
const panel = trialPanel(data);
const drawn = front(data, panel.show);
const select = (trial) => {
  panel.show(trial);
  drawn.choose(trial);
};
const [first] = [...data.trials].sort((a, b) => (b.score ?? -Infinity) - (a.score ?? -Infinity));
if (first) select(first);
const intro =
  "Each point is a model that was trained. The front joins the models that no other model beats in both: to the " +
  "left is faster, upwards is more accurate. Choose a point to see its architecture.";
const parts = [
  section(
    "Accuracy and latency",
    element("p", {}, intro),
    element("div", { class: "columns" }, drawn.figure, panel.element),
  ),
  finalTrainings(data),
  importance(data),
  trialTable(data, select),
  notTrained(data),
  method(data),
];
main.append(...parts.filter(Boolean));
main.dataset.ready = "true";
