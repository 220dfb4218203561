// The chart of accuracy over latency.
import { scatterChart } from "../../cctzoo/pages/js/chart.js";
import { element, rounded } from "../../cctzoo/pages/js/dom.js";
import { percent } from "./numbers.js";

// Returns { figure, choose(trial) }; `onSelect(trial)` is called for a chosen point.
export function front({ trials, front: best, choices, plan }, onSelect) {
  const prefix = choices.findIndex(({ name }) => name === "conv_prefix");
  const trained = trials.filter(({ status }) => status === "trained");
  if (!trained.length) {
    const words = "No model was trained: see what was over the budget or failed, below.";
    return { figure: element("p", {}, words), choose: () => {} };
  }
  const points = new Map(
    trained.map((trial) => [trial.trial, { x: trial.latency_ms, y: 100 * trial.accuracy, trial }]),
  );
  const groups = [...new Set(trained.map(({ values }) => values[prefix]))].sort((a, b) => a - b);
  const series = groups.map((blocks, colour) => ({
    name: blocks === "0" ? "no convolutional prefix" : `prefix of ${blocks} ${blocks === "1" ? "block" : "blocks"}`,
    colour: colour + 1,
    points: trained.filter(({ values }) => values[prefix] === blocks).map(({ trial }) => points.get(trial)),
  }));
  // The front continues to the right: with one point, it is a line, too.
  const found = trained.map((trial) => trial.latency_ms);
  const [from, to] = [Math.min(...found) / 1.1, Math.max(...found) * 1.1];
  const joined = best.map((name) => points.get(name)).sort((a, b) => a.x - b.x);
  const line = [...joined, { x: to, y: joined[joined.length - 1].y }];
  series.unshift({ name: "front", colour: 0, points: line, steps: true, markers: false });
  const on = new Set(best);
  const figure = scatterChart({
    caption:
      `Validation accuracy after ${plan.proxy_epochs} epochs of training, and latency of one sample` +
      `${plan.budget_ms ? `; the budget is ${rounded(plan.budget_ms, 3)} ms` : ""}.`,
    x: { label: "latency in ms", log: true, from, to, format: (value) => rounded(value, 3) },
    y: { label: "validation accuracy in %", format: (value) => rounded(value, 1) },
    series,
    height: 380,
    describe: ({ trial }) =>
      `Trial ${trial.trial}${on.has(trial.trial) ? ", on the front" : ""}: ${trial.architecture}; ` +
      `${rounded(trial.latency_ms, 3)} ms, ${percent(trial.accuracy)}`,
    onSelect: ({ trial }) => onSelect(trial),
  });
  return { figure, choose: (trial) => figure.choose(points.get(trial.trial) ?? null) };
}
