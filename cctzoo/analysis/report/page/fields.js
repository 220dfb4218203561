// The figures of one head, out of the packed arrays of a block.
import { row } from "../../../pages/js/data.js";

const MIDDLE = 2 ** 15; // the 0 of a factor; as in packed_fields.py

// The normalised fields of a head: Float32Array of C * C, rows are true labels.
export function fieldsOf(report, block, head) {
  const { cells, left, right, scale } = block.fields;
  if (cells) return Float32Array.from(row(cells, head), (each) => (each - 128) / report.steps);
  const [classes, rank] = left.shape.slice(1);
  const [a, b] = [row(left, head), row(right, head)];
  const found = new Float32Array(classes * classes);
  for (let i = 0; i < classes; i++) {
    for (let k = 0; k < rank; k++) {
      const factor = (a[i * rank + k] - MIDDLE) * scale.values[head];
      for (let j = 0; j < classes; j++) found[i * classes + j] += factor * (b[k * classes + j] - MIDDLE);
    }
  }
  return found;
}

// The field of a label with itself, without the rest of the matrix.
export function diagonal(report, block, head, label) {
  const { cells, left, right, scale } = block.fields;
  if (cells) return (row(cells, head, label)[label] - 128) / report.steps;
  const [classes, rank] = left.shape.slice(1);
  const [a, b] = [row(left, head, label), row(right, head)];
  let sum = 0;
  for (let k = 0; k < rank; k++) sum += (a[k] - MIDDLE) * (b[k * classes + label] - MIDDLE);
  return sum * scale.values[head];
}

// The labels of a head, cluster by cluster and then the rest: with the clusters on the diagonal.
export function clusterOrder(clusters, classes) {
  const known = clusters.flat();
  const inside = new Set(known);
  const rest = Array.from({ length: classes }, (_, label) => label).filter((each) => !inside.has(each));
  return [...known, ...rest];
}

// The figures of a head by name. Scores that were not measured, and those of fresh weights, are
// missing.
export function figuresOf(report, side, block, head) {
  const clusters = block.clusters[head];
  const found = {
    labels: clusters.flat().length,
    clusters: clusters.length,
    single: clusters.filter((each) => each.length === 1).length,
    noise: block.noise[head],
    internal: block.internal_noise[head],
  };
  if (side !== "trained") return found;
  for (const [name, key] of Object.entries(SCORES)) {
    const scores = report.scores[key]?.[block.block];
    if (scores) found[name] = scores[head];
  }
  return found;
}

const SCORES = {
  importance: "importance/importance",
  drop: "ablation/probability_drop",
  distance: "attention/distance",
  entropy: "attention/entropy",
  offset: "roles/offset_share",
  lift: "roles/offset_lift",
  saturation: "rank/saturation",
  rank: "rank/rank",
  bound: "rank/bound",
  explained: "roles/explained",
};

// The measures of the roles of a head.
export const ROLES = ["offset", "lift", "saturation", "rank", "bound", "explained"];

// What the figures of a head are called, and what they mean.
export const MEASURES = {
  labels: ["recognised labels", "labels that are in a cluster of the head"],
  clusters: ["clusters", "groups of labels among which the head does not distinguish"],
  single: ["clusters of one label", "labels that the head tells from all others"],
  noise: ["noise", "elements above the threshold that lie outside the clusters"],
  internal: ["noise at its labels", "noise in the columns of the labels of its clusters"],
  importance: ["importance", "how strongly the loss depends on the head (gradient; 1 is the norm of a block)"],
  drop: ["drop without it", "drop in the probability of the true label if the head is silenced"],
  distance: ["distance", "mean distance between a token and the tokens it attends to, in tokens"],
  entropy: ["entropy", "how spread out the attention is, in nats; 0 if each token attends to one"],
  offset: ["share at peak", "share of all attention at the offset where the head looks most"],
  lift: ["times equal", "attention at the peak, as a multiple of equal attention to all tokens"],
  saturation: ["saturation", "share of the queries that give more than 0.99 of their attention to one token"],
  rank: ["rank", "numerical rank of the attention: singular values above 0.001 of the largest"],
  bound: ["width", "tokens or width H of the head, whichever is less; H + 1 for polynomial attention, whose rank it bounds"],
  explained: ["first class", "share of what the head says that the direction of one class explains"],
};

// The measures that a report has.
export function measuresOf(report, side = "trained") {
  return Object.keys(figuresOf(report, side, report.sides[side][0], 0));
}
