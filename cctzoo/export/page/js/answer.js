// From the model's output to classes with probabilities.

// [{ name, probability, chosen }], the most probable first.
export function ranked(output, about) {
  const names = about.class_names ?? Array.from(output, (_, i) => `class ${i}`);
  let found = Array.from(probabilities(output, about), (probability, i) => ({
    name: names[i],
    probability,
  }));
  if (about.negative_class_name !== null && found.length === 1) {
    found.push({ name: about.negative_class_name, probability: 1 - found[0].probability });
  }
  found.sort((a, b) => b.probability - a.probability);
  const labels = about.decision === "threshold" && about.negative_class_name === null;
  return found.map((each, i) => ({
    ...each,
    chosen: labels ? each.probability > 0.5 : i === 0,
  }));
}

// One line: the best class with its probability, or the names of all labels above 50 %.
export function headline(classes) {
  const chosen = classes.filter((each) => each.chosen);
  if (chosen.length !== 1) return chosen.map((each) => each.name).join(", ") || "No label";
  return `${chosen[0].name} ${percent(chosen[0].probability)}`;
}

export function percent(probability) {
  return `${(100 * probability).toFixed(1)}\u00a0%`;
}

function probabilities(output, { output: kind, decision }) {
  const values = Array.from(output);
  if (kind === "probabilities") return values;
  if (decision === "threshold") return values.map((x) => 1 / (1 + Math.exp(-x)));
  const largest = values.reduce((a, b) => Math.max(a, b));
  const powers = values.map((x) => Math.exp(x - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((x) => x / sum);
}
