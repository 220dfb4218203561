// What the page says about its figures.
import { element } from "../../../pages/js/dom.js";
import { percent } from "./charts.js";

export const TERMS = (options, leastEvidence) => [
  ["block, head", "A transformer has several blocks after each other. Each block has heads, which read from all places of a sample side by side. Numbers start at 0."],
  ["probe", "A linear classifier that is trained on the outputs of all heads of a block, to see what they contain. The model itself is not changed."],
  ["SHP, field", "Single-head performance: all heads but one are silenced at the input of the probe. The field (i, j) of the head is the mean of output j over the test samples of true label i."],
  ["SNP", "Single-nodal performance: the same for single channels (nodes) of the attention or of the MLP."],
  ["recognised label", `A label whose field with itself is above ${options.threshold} of the largest field of the head.`],
  ["cluster", "A group of recognised labels whose fields with each other are all above the threshold: the head does not distinguish among them. A cluster of one label is a label that the head tells from all others."],
  ["noise", "The number of fields above the threshold that lie outside the clusters: labels that the head confuses."],
  ["SNR", "Signal-to-noise ratio: the mean field of a label with itself, divided by the root mean square of the fields outside the diagonal, in the heads that recognise the label; the mean over the labels."],
  ["fresh weights", "The same model before training. Its heads show how much structure appears without any learning."],
  [`${leastEvidence} standard errors`, `A stricter measure: a label counts only if its samples excite its output by ${leastEvidence} standard errors more than all other samples do.`],
  ["importance", "How strongly the loss depends on a head, by the gradient (Michel et al., arXiv 1905.10650), normalised by block."],
  ["drop without it", "Ablation: the drop in the probability of the true label if only this head is silenced."],
  ["attention", "How much a head reads from each place of a sample, averaged over the places that read, each counting as much as in the model's final average (or for the class token alone). Bright is most."],
  ["offset, peak", "Where a key lies from the query, e.g. 1 down, 2 left. A head with a peak beside the query looks at neighbours, like a convolution (Walmer et al., arXiv 2212.03862). Where its share is about that of equal attention, the peak means little."],
  ["writes to", "The classes whose directions explain what a head says, found by head pursuit (Basile et al., arXiv 2510.21518). A direction is a row of the classifier, carried back to the head through what is linear in between; MLPs, later blocks and the division in the normalisations are left out."],
  ["raises most", "The class whose logit the head raises most for samples of this class, along the same linear path."],
  ["saturation, rank", "How free the attention of a head is: queries that look at a single token, and the number of independent rows of its attention. Narrow heads cannot form every attention (Bhojanapalli et al., arXiv 2002.07028). With softmax, the width bounds the rank of the scores before it, not of the attention; with polynomial attention, the width + 1 bounds the attention itself."],
  ["rollout", "The attention of all blocks together (Abnar and Zuidema, arXiv 2005.00928)."],
];

export function introduction({ reports, least_evidence: leastEvidence }) {
  const parts = reports.map((report) => {
    const { options, kind } = report;
    const name = report.label === report.name ? "" : ` (model ${report.name})`;
    const text =
      `${report.label}${name}: an accuracy of ${percent(report.accuracy)} % on ${options.test_samples} test ${kind}. ` +
      `The probes were trained on ${options.train_samples} training ${kind}.`;
    return element("p", {}, text);
  });
  const list = TERMS(reports[0].options, leastEvidence).flatMap(([term, meaning]) => [
    element("dt", {}, term), element("dd", {}, meaning),
  ]);
  return [
    ...parts,
    element("p", {}, "Choose a head to see what it recognises, which samples it answers to most, and where it reads in them."),
    element("details", {}, element("summary", {}, "What the words on this page mean"), element("dl", { class: "terms" }, ...list)),
  ];
}

export const NOTES = {
  explore:
    "Two views, so that heads can be compared. Start with the same head before training: a matrix is divided by its own largest " +
    "element, so that clusters appear in random weights too. What counts is the difference.",
  labels:
    "A label with many heads is not recognised better for that: heads may repeat each other. A label without any head may still be " +
    "recognised by several heads together.",
  scatter:
    "What a head recognises on its own, and how much the model depends on it, are different questions. A head with many labels may be " +
    "replaceable, because others recognise the same.",
  kept:
    "The curves say how many heads the trained model can do without before any fine-tuning. Compare with the random order. " +
    "After fine-tuning the differences are smaller. The order by labels (SHP) was made with the test samples; the others were not.",
  blocks:
    "How much a linear classifier can read from the heads of each block. It is not the accuracy of the model, which goes on after the block.",
  heads: "Sort by any column. The columns measure different things; none of them is the value of a head.",
  rollout:
    "Which places of a sample reach the model's final average, over all blocks and heads. It does not show why the model decided as it did.",
};

export function machineLine(reports) {
  const lines = reports.map(({ machine, label }) =>
    `${label}: ${Object.entries(machine).map(([name, value]) => `${name} ${value}`).join(", ")}`);
  const method =
    "Fields, clusters and noise follow the published single-filter code of the authors of arXiv 2506.23832. How the pooling of the " +
    "probe is trained, its penalty, the SNR, the check against chance and the answers to samples are choices of cctzoo.";
  return element("p", { class: "quiet" }, `${method} Measured with ${lines.join("; ")}.`);
}
