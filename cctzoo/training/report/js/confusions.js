// The confusion matrix, the table of confusions, and the samples of the chosen pair of classes.
import { element, rounded, section } from "../../../pages/js/dom.js";
import { heatMap } from "../../../pages/js/matrix.js";
import { sortableTable } from "../../../pages/js/table.js";
import { percent, placesOf, sampleList } from "./samples.js";

export function confusions(data) {
  const { classes, kind, per_class: perClass } = data;
  const kept = data.matrix_classes.values;
  const size = kept.length;
  const total = (truth) => perClass.count.values[truth];
  const count = (row, column) => data.matrix.values[row * size + column];
  const panel = element("div", { class: "chosen-pair" });
  const holder = element("div");
  let figure = null;

  function choose(truth, predicted, number) {
    const places = placesOf(data, truth, predicted);
    panel.replaceChildren(
      element("h3", {}, `True ${classes[truth]}, predicted ${classes[predicted]}`),
      element("p", { role: "status" }, chosenWords(kind, number, places.length, truth === predicted)),
      ...(places.length ? [sampleList(data, places)] : []),
    );
  }

  function describe(row, column) {
    const [truth, predicted, number] = [kept[row], kept[column], count(row, column)];
    return (
      `True ${classes[truth]}, predicted ${classes[predicted]}: ${number} of ${total(truth)} ` +
      `(${percent(number / total(truth))})`
    );
  }

  function show(mistakesOnly) {
    const values = new Float32Array(size * size);
    for (let row = 0; row < size; row++)
      for (let column = 0; column < size; column++) {
        const hidden = mistakesOnly && row === column;
        values[row * size + column] = hidden ? NaN : (100 * count(row, column)) / total(kept[row]);
      }
    const found = values.filter(Number.isFinite);
    const high = mistakesOnly ? found.reduce((a, b) => Math.max(a, b), 1) : 100;
    const names = [...kept].map((index) => classes[index]);
    figure = heatMap({
      caption:
        `Each cell is the part of the ${kind} of a true class (row) that the model took for another class ` +
        `(column). Dark blue: 0 %, yellow: ${rounded(high, 1)} %` +
        `${mistakesOnly ? "; right answers are crossed out." : ". The diagonal has the right answers."}`,
      values, rowNames: names, columnNames: names, rowTitle: "true", columnTitle: "predicted",
      range: [0, high], describe,
      onSelect: (row, column) => choose(kept[row], kept[column], count(row, column)),
    });
    holder.replaceChildren(figure);
  }

  const toggle = element(
    "button",
    { type: "button", class: "button", "aria-pressed": "false", id: "mistakes" },
    "Mistakes only",
  );
  toggle.addEventListener("click", () => {
    const pressed = toggle.getAttribute("aria-pressed") !== "true";
    toggle.setAttribute("aria-pressed", String(pressed));
    show(pressed);
  });
  show(false);
  const pairs = pairsOf(data);
  if (pairs.length) choose(pairs[0].truth, pairs[0].predicted, pairs[0].count);
  else panel.append(element("p", {}, "The model made no mistake on the test part."));
  const select = ({ truth, predicted, count: number }) => {
    choose(truth, predicted, number);
    const [row, column] = [kept.indexOf(truth), kept.indexOf(predicted)];
    if (row >= 0 && column >= 0) figure.choose(row, column);
  };
  const some =
    size < classes.length
      ? ` It has the ${size} classes with the most mistakes, of ${classes.length}.`
      : "";
  const words =
    `Choose a cell, or a row of the table, to see the test ${kind}. A few counts are no evidence: ` +
    "1 of 10 and 2 of 10 do not differ.";
  return section(
    "Confusion matrix",
    element("p", {}, words + some),
    element("div", { class: "row" }, toggle),
    element("div", { class: "columns" }, holder, panel),
    ...(pairs.length ? [pairTable(data, pairs, select)] : []),
  );
}

function pairsOf({ pairs }) {
  return Array.from({ length: pairs.shape[0] }, (_, i) => {
    const [truth, predicted, count] = pairs.values.slice(3 * i, 3 * i + 3);
    return { truth, predicted, count };
  });
}

function pairTable({ classes, kind, per_class: perClass }, pairs, onSelect) {
  const share = ({ truth, count }) => count / perClass.count.values[truth];
  return sortableTable({
    caption: "Confusions, the most frequent first; the class in the first column opens the test samples",
    columns: [
      { title: "True", value: ({ truth }) => classes[truth], words: true },
      { title: "Predicted", value: ({ predicted }) => classes[predicted], words: true },
      { title: `Test ${kind}`, value: ({ count }) => count },
      { title: "Of the true class", value: share, text: (found) => percent(found) },
    ],
    rows: pairs,
    onSelect,
    sortBy: `Test ${kind}`,
    descending: true,
  });
}

function chosenWords(kind, number, shown, right) {
  const answer = right ? "right" : "wrong";
  const noun = number === 1 ? kind.slice(0, -1) : kind;
  if (!number) return `No test ${kind.slice(0, -1)} has this answer.`;
  const order = right ? "the least confident" : "the most confident";
  if (shown === number) return `${number} ${answer} test ${noun}${number > 1 ? `, ${order} first` : ""}.`;
  if (shown) return `${number} ${answer} test ${noun}; the page holds ${shown} of them, ${order} first.`;
  return `${number} ${answer} test ${noun}; the page has no room for them.`;
}
