// The roles of one head: its attention by offset, and the classes that it writes to.
import { row } from "../../../pages/js/data.js";
import { element, rounded } from "../../../pages/js/dom.js";
import { heatMap } from "../../../pages/js/matrix.js";
import { percent } from "./charts.js";

// Where a head looks most, in words: its peak.
export function peakOf(report, block, head) {
  return offsetWords(report, [...row(report.roles.blocks[block].peaks, head)]);
}

// The classes that a head writes to: { name, explained, gain } each.
export function directionsOf(report, block, head) {
  const { classes, explained, gains } = report.roles.blocks[block];
  const [shares, signs] = [row(explained, head), row(gains, head)];
  return [...row(classes, head)]
    .map((label, i) => ({ label, name: report.classes[label], explained: shares[i], gain: signs[i] }))
    .filter(({ label }) => label >= 0);
}

// The class whose logit a head raises most.
export const raisedBy = (report, block, head) => report.classes[row(report.roles.blocks[block].raised, head)[0]];

function offsetWords({ roles }, offset) {
  if (offset.every((each) => each === 0)) return "itself";
  const steps = (count, noun, names) => (count ? [`${rounded(Math.abs(count))} ${noun}${names[count > 0 ? 1 : 0]}`] : []);
  if (offset.length === 1) {
    const count = offset[0] * roles.step;
    return steps(count, Math.abs(count) === 1 ? "word " : "words ", ["earlier", "later"])[0];
  }
  return [...steps(offset[0], "", ["up", "down"]), ...steps(offset[1], "", ["left", "right"])].join(", ");
}

// Elements with both roles of a head of the trained weights.
export function rolesOf(report, block, head, chip) {
  const found = directionsOf(report, block, head);
  const share = report.scores["roles/offset_share"][block][head];
  const equal = report.roles.blocks[block].equal.values[head];
  const items = found.map(({ label, explained, gain }, i) =>
    element("li", {}, chip(label), element("span", {},
      ` ${i ? "together " : ""}${percent(explained)} % of what it says${gain < 0 ? "; lowers it for its own samples" : ""}`)));
  return [
    element("h4", {}, "Where it looks, by offset from the query"),
    offsetMap(report, block, head),
    element("p", { class: "quiet" },
      `Its peak: ${peakOf(report, block, head)}, with ${percent(share)} % of all its attention. ` +
      `Equal attention to all tokens would have ${percent(equal)} % there: where both are alike, the peak means little.`),
    element("h4", {}, "Classes it writes to"),
    element("p", { class: "raised" }, "It raises most: ", chip(report.classes.indexOf(raisedBy(report, block, head)))),
    items.length
      ? element("ol", { class: "directions" }, ...items)
      : element("p", {}, "Its outputs do not differ between the classes."),
  ];
}

function offsetMap(report, block, head) {
  const { reach, step } = report.roles;
  const { maps, largest, peaks } = report.roles.blocks[block];
  const top = largest.values[head];
  const sides = reach.map((each) => Array.from({ length: 2 * each + 1 }, (_, i) => i - each));
  const [down, right] = sides.length === 2 ? sides : [[0], sides[0]];
  const offset = (r, c) => (sides.length === 2 ? [down[r], right[c]] : [right[c]]);
  const unit = sides.length === 2 ? "tokens" : step === 1 ? "words" : `tokens, ${step} words each`;
  const figure = heatMap({
    caption:
      `Mean attention to a key at an offset from the query, in ${unit}; the middle is the query itself. ` +
      "The peak is framed; offsets that fewer than half of the queries have do not count.",
    values: Float32Array.from(row(maps, head), (each) => (each / 255) * top),
    rowNames: sides.length === 2 ? down.map(String) : [""],
    columnNames: right.map(String),
    rowTitle: sides.length === 2 ? "down" : "text",
    columnTitle: sides.length === 2 ? "right" : "later",
    range: [0, top],
    describe: (r, c, value) => `${offsetWords(report, offset(r, c))}: mean attention ${percent(value)} %`,
    largest: 22,
  });
  const at = [...row(peaks, head)].map((each, axis) => each + reach[axis]);
  if (at.every((each, axis) => each >= 0 && each <= 2 * reach[axis])) figure.mark(...(at.length === 2 ? at : [0, at[0]]));
  return figure;
}
