// Samples: images or texts with a class and another one, e.g. the true one and the model's answer.
import { element } from "../../../pages/js/dom.js";
import { imageTile } from "../../../pages/js/sheet.js";

export const percent = (share, digits = 1) =>
  Number.isFinite(share)
    ? `${(100 * share).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })}\u00a0%`
    : "–";

// The places in data.shown of the samples of a true class with a predicted class.
export function placesOf({ shown }, truth, predicted) {
  const places = shown.truth.values.keys();
  return [...places].filter(
    (place) => shown.truth.values[place] === truth && shown.predicted.values[place] === predicted,
  );
}

// A list of samples at these places of data.shown; `roles` names their two classes.
export function sampleList(data, places, roles = ["true", "predicted"]) {
  const items = places.map((place) => element("li", {}, ...sample(data, place, roles)));
  return element("ul", { class: `samples ${data.kind}` }, ...items);
}

function sample({ shown, classes }, place, [first, second]) {
  const [truth, answer] = [shown.truth, shown.predicted].map(({ values }) => classes[values[place]]);
  const confidence = percent(shown.confidence.values[place], 0);
  const name = shown.names[place];
  const words = `${name}: ${first} ${truth}, ${second} ${answer} (${confidence})`;
  const content = shown.texts
    ? element("blockquote", {}, shown.texts[place])
    : imageTile(shown.sheet, place, words, 72);
  const line = (label, text, more = "") =>
    element("span", {}, element("span", { class: "quiet" }, `${label} `), element("b", {}, text), more);
  return [
    content,
    line(first, truth),
    line(second, answer, ` ${confidence}`),
    element("span", { class: "quiet name" }, name),
  ];
}
