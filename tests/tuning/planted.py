"""Searches in which the choices that matter are known, and how often `importance` finds them.

python -m tests.tuning.planted
"""

import numpy as np

from cctzoo.models import variant_config
from tuning import importance
from tuning.records import Record
from tuning.space import SearchSpace

SPACE = SearchSpace()
BASE = variant_config("cct_2_3x2_32", input_shape=(16, 16, 1), conv_layers=1, classes=10)
MATTERS = {"depth", "conv_prefix"}  # more than all others together


def accuracy(values):
    heads = {4: 0, 16: 0.03, 64: 0.02}[values["heads"]]
    return 0.5 + 0.1 * (values["depth"] == 4) + 0.05 * min(values["conv_prefix"], 2) + heads


def planted_records(count, noise, seed, signal=1.0):
    """Records of a random search whose accuracies are `accuracy` with normal noise."""
    rng = np.random.default_rng(seed)
    points = importance.models_of(SPACE, BASE)
    chosen = rng.choice(len(points), count, replace=False)
    return [
        Record(
            trial=f"{i:03}",
            values=points[place],
            status="trained",
            latency_ms=float(points[place]["embed_dim"] * points[place]["depth"] / 100),
            ratio=1.0,
            accuracy=float(signal * accuracy(points[place]) + noise * rng.normal()),
            score=0.5,
            epochs=3,
        )
        for i, place in enumerate(chosen)
    ]


def measured(count, noise, seed, signal=1.0):
    records = planted_records(count, noise, seed, signal)
    return importance.measure_importance(records, SPACE, BASE, "accuracy", seed)


def first_two(found):
    """The two choices with the largest shares."""
    ranked = sorted(zip(found.shares, found.names, strict=True), reverse=True)
    return {name for _, name in ranked[:2]}


def main():
    importance.LEAST_TRIALS = 1
    print("models  noise  both found first   R2 (lowest to highest)")
    for count in (10, 15, 20, 30, 50):
        for noise in (0.02, 0.05):
            each = [measured(count, noise, seed) for seed in range(20)]
            right = sum(first_two(found) == MATTERS for found in each)
            scores = [found.score for found in each]
            print(
                f"{count:6} {noise:6}  {right:2} of {len(each)} searches  "
                f"{min(scores):8.2f} to {max(scores):.2f}"
            )
    for count in (20, 40):
        scores = [measured(count, 0.05, seed, signal=0).score for seed in range(20)]
        print(f"{count:6} models of noise alone: R2 {min(scores):.2f} to {max(scores):.2f}")


if __name__ == "__main__":
    main()
