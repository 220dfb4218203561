// The page of a check of labels: the samples whose labels are questioned.
import { readData } from "../../../pages/js/data.js";
import { element, section } from "../../../pages/js/dom.js";
import { sortableTable } from "../../../pages/js/table.js";
import { percent, sampleList } from "./samples.js";

function questioned(data) {
  const { number, samples } = data;
  if (!number) return section("Questioned labels", element("p", {}, "No label is questioned."));
  const held = samples < number ? ` The page holds ${samples} of ${number.toLocaleString("en")}; labels.csv has all.` : "";
  const words =
    "The largest lead of the suggested class over the label first. The percentage is the probability that a model " +
    "gives to the suggested class; the model was not trained on this sample.";
  const places = Array.from({ length: samples }, (_, place) => place);
  return section("Questioned labels", element("p", {}, words + held), sampleList(data, places, ["label", "suggested"]));
}

function pairs({ classes, pairs: { shape, values }, per_label: perLabel, number }) {
  const rows = Array.from({ length: shape[0] }, (_, i) => values.slice(3 * i, 3 * i + 3));
  if (!number) return null;
  return section(
    "Pairs of classes",
    sortableTable({
      caption: "Questioned labels by pair of classes, the most frequent first",
      columns: [
        { title: "Label", value: ([label]) => classes[label], words: true },
        { title: "Suggested", value: ([, suggested]) => classes[suggested], words: true },
        { title: "Samples", value: ([, , count]) => count },
        { title: "Of the label", value: ([label, , count]) => count / perLabel.values[label], text: (found) => percent(found) },
      ],
      rows,
      sortBy: "Samples",
      descending: true,
    }),
  );
}

const data = await readData();
const main = document.getElementById("main");
main.append(...[questioned, pairs].map((part) => part(data)).filter(Boolean));
main.dataset.ready = "true";
