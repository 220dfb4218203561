// Tables of the trials, and the architecture of one.
import { element, rounded, section } from "../../cctzoo/pages/js/dom.js";
import { sortableTable } from "../../cctzoo/pages/js/table.js";
import { percent } from "./numbers.js";

const milliseconds = (value) => (value === null ? "–" : rounded(value, 3));

function definitions(entries) {
  const shown = entries.filter(([, value]) => value !== null && value !== undefined);
  return element("dl", {}, ...shown.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

// Returns { element, show(trial) }: what is known about one trial.
export function trialPanel({ choices, front, finals }) {
  const panel = element("div", { class: "trial" });
  const show = (trial) => {
    const final = finals.find((each) => each.trial === trial.trial);
    const figures = [
      ["status", `${trial.status}${front.includes(trial.trial) ? ", on the front" : ""}`],
      ["reason", trial.reason],
      ["latency", trial.latency_ms && `${milliseconds(trial.latency_ms)} ms`],
      ["relative to the anchor", trial.ratio && rounded(trial.ratio, 3)],
      ["validation accuracy", trial.accuracy === null ? null : percent(trial.accuracy)],
      ["test accuracy, full training", final && percent(final.test_accuracy, 2)],
      ["score", trial.score === null ? null : rounded(trial.score, 4)],
      ["parameters", trial.parameters && rounded(trial.parameters, 0)],
      ["training", trial.epochs ? `${trial.epochs} epochs, ${rounded(trial.seconds, 0)} s` : null],
    ];
    panel.replaceChildren(
      element("h3", {}, `Trial ${trial.trial}`),
      element("p", { role: "status" }, trial.architecture),
      definitions([...figures, ...choices.map(({ name }, i) => [name, trial.values[i]])]),
    );
  };
  return { element: panel, show };
}

export function trialTable({ trials, choices, front, finals }, onSelect) {
  const varied = choices.map(({ name, choices: found }, i) => ({ name, i, count: found.length }));
  const full = Object.fromEntries(finals.map((each) => [each.trial, each.test_accuracy]));
  const on = new Set(front);
  const numeric = (text) => (/^\d+$/.test(text) ? Number(text) : text);
  const table = sortableTable({
    caption: "All trials; the number of a trial shows it in the chart and next to it",
    columns: [
      { title: "Trial", value: ({ trial }) => trial, words: true },
      { title: "Front", value: ({ trial }) => (on.has(trial) ? 1 : 0), text: (found) => (found ? "yes" : "–") },
      { title: "ms", value: (row) => row.latency_ms, text: milliseconds },
      { title: "Accuracy", value: ({ accuracy }) => accuracy, text: (found) => percent(found) },
      { title: "Score", value: ({ score }) => score, text: (found) => rounded(found, 4) },
      { title: "Full training", value: ({ trial }) => full[trial], text: (found) => percent(found, 2) },
      { title: "Status", value: ({ status }) => status, words: true },
      { title: "Parameters", value: ({ parameters }) => parameters, text: (found) => rounded(found, 0) },
      ...varied
        .filter(({ count }) => count > 1)
        .map(({ name, i }) => ({ title: name, value: ({ values }) => numeric(values[i]) })),
    ],
    rows: trials,
    onSelect,
    sortBy: "ms",
    descending: false,
  });
  const fixed = varied.filter(({ count }) => count === 1).map(({ name, i }) => `${name} ${choices[i].choices[0]}`);
  const words = fixed.length ? [element("p", { class: "quiet" }, `The same in all trials: ${fixed.join(", ")}.`)] : [];
  return section("Trials", ...words, table);
}

export function notTrained({ trials, plan }) {
  const rows = trials.filter(({ status }) => status !== "trained");
  if (!rows.length) return null;
  const over = rows.filter(({ status }) => status === "over budget").length;
  const words =
    `${over} of ${trials.length} models were over the budget of ${milliseconds(plan.budget_ms)} ms and were therefore ` +
    "not trained.";
  const table = sortableTable({
    caption: "Trials without a trained model",
    columns: [
      { title: "Trial", value: ({ trial }) => trial, words: true },
      { title: "Status", value: ({ status }) => status, words: true },
      { title: "ms", value: (row) => row.latency_ms, text: milliseconds },
      {
        title: "Times the budget",
        value: (row) => (plan.budget_ms && row.latency_ms ? row.latency_ms / plan.budget_ms : null),
        text: (found) => rounded(found, 2),
      },
      { title: "Architecture", value: ({ architecture }) => architecture, words: "wide" },
      { title: "Reason", value: ({ reason }) => reason, words: "wide" },
    ],
    rows,
    sortBy: "ms",
    descending: false,
  });
  return section("Over budget or failed", ...(over ? [element("p", {}, words)] : []), table);
}

export function finalTrainings({ finals, trials, plan }) {
  if (!finals.length) return null;
  const rows = finals.map((final) => ({ ...trials.find(({ trial }) => trial === final.trial), ...final }));
  const link = (trial) => element("a", { href: `final/trial_${encodeURIComponent(trial)}/report.html` }, trial);
  const table = sortableTable({
    caption: "Models that were trained in full",
    columns: [
      { title: "Trial", value: ({ trial }) => trial, words: true, text: link },
      { title: "Architecture", value: ({ architecture }) => architecture, words: "wide" },
      { title: "Test accuracy", value: (row) => row.test_accuracy, text: (found) => percent(found, 2) },
      { title: "Validation, short training", value: ({ accuracy }) => accuracy, text: (found) => percent(found) },
      { title: "ms", value: (row) => row.latency_ms, text: milliseconds },
    ],
    rows,
  });
  const words =
    `The best models by score, trained for ${plan.epochs} epochs and tested on samples that the search has not used. ` +
    "Each link opens the page of the run.";
  return section("Final trainings", element("p", {}, words), table);
}

export function method({ plan, choices }) {
  const goal =
    plan.target_ms === null || plan.weight === 0
      ? "the validation accuracy"
      : `accuracy · (latency / ${milliseconds(plan.target_ms)} ms)^-${rounded(plan.weight, 3)}`;
  const samples = plan.proxy_samples === null ? "all samples" : `${rounded(plan.proxy_samples, 0)} samples`;
  const timed = plan.command
    ? "by the user's command"
    : `LiteRT ${plan.precision} with ${plan.threads} ${plan.threads === 1 ? "thread" : "threads"}, on this machine`;
  return section(
    "How it was searched",
    definitions([
      ["recipe's own model", plan.model],
      ["oracle", `${plan.oracle} (${plan.engine}), at most ${plan.trials} trials, seed ${plan.seed}`],
      ["score", goal],
      ["budget", plan.budget_ms === null ? "none" : `${milliseconds(plan.budget_ms)} ms`],
      ["training of a trial", `${plan.proxy_epochs} epochs with ${samples}`],
      ["latency", timed],
      ...choices.map(({ name, choices: found }) => [name, found.join(", ")]),
    ]),
    element(
      "p",
      {},
      "A short training ranks models only roughly: those that learn slowly are underrated, and accuracies that differ by " +
        "less than the noise of one training are equal.",
    ),
  );
}
