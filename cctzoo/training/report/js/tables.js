// The tables of the page: key figures, classes, members, exports, recipe and machine.
import { element, rounded, section } from "../../../pages/js/dom.js";
import { sortableTable } from "../../../pages/js/table.js";
import { percent } from "./samples.js";

const integer = (value) => rounded(value, 0);

function definitions(entries) {
  const shown = entries.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return element("dl", {}, ...shown.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

export function keyFigures({ figures, kind }) {
  const known = (value, text) => (value === undefined ? null : text(value));
  return definitions([
    ["test accuracy", percent(figures.test_accuracy, 2)],
    ["95 % interval", interval(figures)],
    ["mean of the classes' accuracies", known(figures.test_mean_class_accuracy, (each) => percent(each, 2))],
    ["right class among the first five", known(figures.test_top5_accuracy, (each) => percent(each, 2))],
    ["test loss", known(figures.test_loss, (each) => rounded(each, 4))],
    [`test ${kind}`, integer(figures.test_samples)],
    ["parameters", known(figures.parameters, integer)],
    ["training time", known(figures.training_seconds, duration)],
    [`${kind} per second in training`, known(figures.samples_per_second, integer)],
  ]);
}

// Wilson's interval of a share (JASA 22, 1927): the chance of drawing these test samples alone.
function interval({ test_accuracy: share, test_samples: n }) {
  const z = 1.96;
  const centre = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  return `${percent(centre - half, 2)} to ${percent(centre + half, 2)} (Wilson; another seed can differ by more)`;
}

function duration(seconds) {
  if (seconds < 120) return `${rounded(seconds, 0)} s`;
  if (seconds < 7200) return `${rounded(seconds / 60, 0)} min`;
  return `${rounded(seconds / 3600, 1)} h`;
}

export function classTable({ classes, per_class: perClass, kind }) {
  const rows = classes.map((name, i) => {
    const figures = Object.entries(perClass).map(([column, { values }]) => [column, values[i]]);
    return { name, ...Object.fromEntries(figures) };
  });
  const share = (title, column, help) => ({ title, help, value: (row) => row[column], text: (found) => percent(found) });
  const table = sortableTable({
    caption: `Figures of each class on the test ${kind}`,
    columns: [
      { title: "Class", value: ({ name }) => name, words: true },
      { title: `Test ${kind}`, value: ({ count }) => count, text: integer },
      share("Recall", "recall", "part of the class that the model found"),
      share("Precision", "precision", "part of the answers with this class that are right"),
      share("F1", "f1", "harmonic mean of precision and recall"),
      { title: "Answers", help: "how often the model gave this class", value: ({ answers }) => answers, text: integer },
    ],
    rows,
    sortBy: "Recall",
    descending: false,
  });
  const words =
    "Recall is the part of the class that the model found, precision the part of its answers with this class that " +
    "are right. A class with few test samples has uncertain figures. A dash: no sample, or no answer.";
  return section("Classes", element("p", {}, words), table);
}

export function members({ members: found, figures }) {
  if (!found) return null;
  const rows = found.map(([name, accuracy]) => ({ name, accuracy }));
  const table = sortableTable({
    caption: "Test accuracy of each member",
    columns: [
      { title: "Member", value: ({ name }) => name, words: true, text: memberLink },
      { title: "Test accuracy", value: ({ accuracy }) => accuracy, text: (value) => percent(value, 2) },
    ],
    rows,
  });
  const words = `The committee averages the members' ${figures.average}. Each member has a page of its own.`;
  return section("Members", element("p", {}, words), table);
}

const memberLink = (name) => element("a", { href: `${encodeURIComponent(name)}/report.html` }, name);

export function deliveries({ delivered }) {
  if (!delivered) return null;
  const { exports, latency } = delivered;
  const share = (title, column) => ({ title, value: (row) => row[column], text: (found) => percent(found ?? NaN, 2) });
  const files = sortableTable({
    caption: "Exported files, compared with the Keras model on test samples",
    columns: [
      { title: "File", value: ({ path }) => path, words: "wide" },
      { title: "Precision", value: ({ precision }) => precision, words: true },
      { title: "MB", value: ({ bytes }) => bytes / 1e6, text: (found) => rounded(found, 2) },
      share("Accuracy", "accuracy"),
      share("Keras", "keras_accuracy"),
      share("Same answers", "top1_agreement"),
      { title: "Largest difference", value: (row) => row.max_difference, text: (found) => found.toPrecision(2) },
    ],
    rows: exports,
  });
  const first = latency.rows[0].median_ms;
  const milliseconds = (title, column) => ({
    title, value: (row) => row[column], text: (found) => rounded(found, 3),
  });
  const times = sortableTable({
    caption: `Latency of one sample on ${latency.machine}; threads: ${latency.threads}, runs: ${latency.runs}`,
    columns: [
      { title: "Model", value: ({ name }) => name, words: "wide" },
      milliseconds("Median ms", "median_ms"),
      milliseconds("10th percentile", "p10_ms"),
      milliseconds("90th percentile", "p90_ms"),
      { title: "Ratio", value: (row) => row.median_ms / first, text: (found) => rounded(found, 3) },
    ],
    rows: latency.rows,
  });
  const words =
    "The files are in export/. All models are timed alternately on the machine of the training. Ratios carry over " +
    "to other machines better than milliseconds, and neither replaces a measurement on your device.";
  return section("Exports and latency", element("p", {}, words), files, times);
}

export function recipe({ recipe: settings }) {
  if (!settings) return null;
  const rows = settings.map(([name, value, usual]) => ({ name, value, usual }));
  const changed = rows.filter(({ value, usual }) => value !== usual);
  const shown = (value) => (value === "" ? "–" : value);
  const table = (caption, chosen) =>
    sortableTable({
      caption,
      columns: [
        { title: "Field", value: ({ name }) => name, words: true },
        { title: "Value", value: ({ value }) => shown(value), words: true },
        { title: "Default", value: ({ usual }) => shown(usual), words: true },
      ],
      rows: chosen,
    });
  return section(
    "Recipe",
    changed.length
      ? table("Fields that differ from the default recipe", changed)
      : element("p", {}, "The recipe is the default one."),
    element("details", {}, element("summary", {}, "All fields"), table("All fields of the recipe", rows)),
    element("p", { class: "quiet" }, "recipe.json in the same folder trains the model again: cctzoo train --config recipe.json"),
  );
}

export function machine({ figures, versions }) {
  if (!figures.machine) return null;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return section(
    "Machine",
    definitions([
      ["processor", figures.machine],
      ["backend", figures.backend],
      ["packages", packages.join(", ")],
    ]),
  );
}
