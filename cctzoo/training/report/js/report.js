// The page of a run, or of a committee: what it has learned, and where it errs.
import { readData } from "../../../pages/js/data.js";
import { element, section } from "../../../pages/js/dom.js";
import { curves } from "./curves.js";
import { confusions } from "./confusions.js";
import { classTable, deliveries, keyFigures, machine, members, recipe } from "./tables.js";
import { sampleList } from "./samples.js";

function worstMistakes(data) {
  const explanation =
    "The wrong answers that the model gave with the highest confidence. Some may be wrong labels in the data. " +
    "The confidence is the probability that the model itself gives to its answer. It is not calibrated: " +
    "among answers of 90 %, more or fewer than 90 % may be right.";
  const places = Array.from({ length: data.worst }, (_, place) => place);
  const none = "The model made no mistake on the test part.";
  const found = places.length ? sampleList(data, places) : element("p", {}, none);
  return section("Worst mistakes", element("p", {}, explanation), found);
}

const data = await readData();
const parts = [keyFigures, members, curves, confusions, worstMistakes, classTable, deliveries, recipe, machine];
const main = document.getElementById("main");
main.append(...parts.map((part) => part(data)).filter(Boolean));
main.dataset.ready = "true";
