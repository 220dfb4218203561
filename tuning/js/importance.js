// Which choices matter: shares of the variance of accuracy and latency.
import { element, rounded, section, svgElement } from "../../cctzoo/pages/js/dom.js";
import { percent } from "./numbers.js";

const NOUNS = { accuracy: "accuracy", latency_ms: "latency" };

export function importance({ importances, needs, choices }) {
  const words =
    "A bar is the share of the variance over the models of the space that one choice explains alone, as a random forest " +
    "predicts it (functional ANOVA: Hutter, Hoos and Leyton-Brown, ICML 2014). The rest is explained by choices " +
    "together. Shares can add up to more than 100 %, because some choices exclude others.";
  const limits =
    "It is no proof of a cause. The forest knows only the models that were tried, an oracle that prefers good models " +
    "tries others rarely, and each model was trained once, briefly. " +
    `Bars are drawn from ${needs.trials} models on, if the forest explains at least ${percent(needs.score, 0)} of the ` +
    "variance of models that it has not seen (R²).";
  return section(
    "Importance of each choice",
    element("p", {}, words),
    element("div", { class: "columns" }, ...importances.map((each) => one(each, needs, choices))),
    element("p", { class: "quiet" }, limits),
  );
}

function one({ figure, trials, score, names, shares, spreads, reliable }, needs, choices) {
  const heading = element("h3", {}, `For the ${NOUNS[figure]}`);
  if (!reliable) {
    const learned = score === null ? "" : ` The forest explains ${percent(Math.max(score, 0), 0)} of the variance of unseen models.`;
    const few = trials < needs.trials ? `${trials} models are too few: ${needs.trials} are needed.` : "";
    const words = few || (score === null ? "All models have the same value." : `Not reliable.${learned}`);
    return element("div", {}, heading, element("p", {}, words));
  }
  const rows = names
    .map((name, i) => ({ name, share: shares[i], spread: spreads[i] }))
    .sort((a, b) => b.share - a.share);
  const bars = rows.map(({ name, share, spread }) => {
    const { help } = choices.find((each) => each.name === name);
    const size = { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" };
    const bar = { width: 100 * Math.min(share, 1), height: 10, fill: "var(--c0)" };
    return element(
      "li",
      { title: help },
      element("span", {}, name),
      element("span", { class: "track" }, svgElement("svg", size, svgElement("rect", bar))),
      element("span", { class: "percent" }, `${percent(share, 0)} ± ${rounded(100 * spread, 0)}`),
    );
  });
  const about = `${trials} models; the forest explains ${percent(score, 0)} of the variance of unseen ones. `;
  return element(
    "div",
    {},
    heading,
    element("p", { class: "quiet" }, `${about}±: standard deviation over its trees.`),
    element("ul", { class: "bars" }, ...bars),
  );
}
