// Loss, accuracy and learning rate by epoch.
import { lineChart } from "../../../pages/js/chart.js";
import { element, section } from "../../../pages/js/dom.js";

export function curves({ curves: columns, note, figures }) {
  if (!columns.loss) return null;
  const series = (names, scale = 1) =>
    Object.entries(names)
      .filter(([, column]) => columns[column])
      .map(([name, column], colour) => ({
        name,
        colour,
        points: Array.from(columns[column].values, (value, i) => ({ x: i + 1, y: scale * value })),
      }));
  const chart = (caption, label, found, format) =>
    lineChart({ caption, x: { label: "epoch" }, y: { label, format, from: 0 }, series: found });
  const pair = (quantity) => ({ training: quantity, validation: `val_${quantity}` });
  const charts = [
    chart("Cross-entropy loss.", "loss", series(pair("loss"))),
    chart("Share of right answers.", "accuracy in %", series(pair("accuracy"), 100)),
  ];
  if (columns.learning_rate) {
    const found = series({ "learning rate": "learning_rate" });
    const short = (value) => String(Number(value.toPrecision(3)));
    charts.push(chart("Learning rate at the end of each epoch.", "learning rate", found, short));
  }
  const best = figures.best_epoch
    ? `The best epoch by validation is ${figures.best_epoch}; its model is best.keras. This page is about ` +
      "model.keras, the model after the last epoch."
    : "The run has no validation part.";
  return section(
    "Training",
    ...(note ? [element("p", {}, note)] : []),
    element("p", {}, best),
    element("div", { class: "columns" }, ...charts),
  );
}
