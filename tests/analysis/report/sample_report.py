"""A report with made-up figures, of any size, in no time."""

import numpy as np

from cctzoo.analysis import (
    BlockPerformance,
    ClassDirections,
    HeadAnswers,
    HeadOffsets,
    HeadReport,
    HeadScores,
    Performance,
    ShownSamples,
)
from cctzoo.analysis.recognition.probe import Probe

ANSWERS = 6


def sample_report(
    name="sample",
    *,
    blocks=(0, 1),
    heads=3,
    classes=4,
    width=2,
    nodes=2,
    samples=8,
    grid=(2, 3),
    pixels=(8, 12, 3),
    texts=False,
    names=None,
    seed=0,
):
    """Builds a `HeadReport` whose fields have the rank and the noise of heads of this width."""
    rng = np.random.default_rng(seed)
    words = [[f"w{j}" for j in range(1 + i % 5)] for i in range(samples)] if texts else None
    tokens = 5 if texts else grid[0] * grid[1]
    options = {"threshold": 0.3, "train_samples": 90, "test_samples": 30}

    def performance(unit, count, signal):
        each = [
            block_performance(rng, block, count, classes, width, signal * (1 + i / 4))
            for i, block in enumerate(blocks)
        ]
        return Performance(unit, tuple(each), options)

    def performances(signal):
        kinds = {"head": heads, "attention_node": nodes, "mlp_node": nodes}
        return {unit: performance(unit, count, signal) for unit, count in kinds.items()}

    def answers():
        count = min(ANSWERS, samples)
        return {
            block: answers_of_block(rng, heads, count, samples, classes, tokens) for block in blocks
        }

    def scores(low, high):
        return {block: rng.uniform(low, high, heads) for block in blocks}

    counts = [heads // 2**i for i in range(heads.bit_length())]
    orders = ("by importance", "by ablation", "by labels (SHP)", "random order")
    labels = np.arange(samples) % classes
    shown = ShownSamples(
        labels=labels,
        predicted=np.where(rng.random(samples) < 0.7, labels, (labels + 1) % classes),
        rollout=rng.dirichlet(np.ones(tokens), samples).astype("float32"),
        answers=answers(),
        fresh_answers=answers(),
        images=None if texts else pictures(rng, samples, pixels),
        grid=None if texts else grid,
        words=words,
    )
    return HeadReport(
        name=name,
        accuracy=0.75,
        performances=performances(0.6),
        control=performances(0.1),
        importance=HeadScores({"importance": scores(0, 1)}, {"samples": 9}),
        ablation=HeadScores({"probability_drop": scores(-0.01, 0.1)}, {"samples": 9}),
        attention=HeadScores({"distance": scores(1, 6), "entropy": scores(1, 4)}),
        rank=HeadScores(
            {"saturation": scores(0, 0.1), "rank": scores(3, 9), "bound": scores(width, width)},
            {"samples": 9},
        ),
        offsets=head_offsets(rng, blocks, heads, (tokens,) if texts else grid),
        directions=class_directions(rng, blocks, heads, classes),
        kept={
            order: {count: 0.75 - 0.1 * i - 0.02 * k for i, count in enumerate(counts)}
            for k, order in enumerate(orders)
        },
        classes=list(names or (f"class {i}" for i in range(classes))),
        samples=shown,
    )


def block_performance(rng, block, units, classes, width, signal):
    """Fields of the rank of the width, with some labels that each unit recognises."""
    means = rng.standard_normal((units, classes, width))
    kernel = rng.standard_normal((units, width, classes))
    for unit in range(units):
        known = rng.choice(classes, min(width, classes), replace=False)
        means[unit, known] += signal * np.eye(width)[: len(known)] * 3
        kernel[unit][:, known] += signal * np.eye(width)[:, : len(known)] * 3
    fields = (means @ kernel).astype("float32")
    evidence = (5 * rng.random((units, classes))).astype("float32")
    flat = kernel.reshape(units * width, classes).astype("float32")
    probe = Probe(flat, np.zeros(classes, "float32"), np.zeros(len(flat), "float32"))
    return BlockPerformance(block, probe, fields, evidence, 0.9, 0.5 + 0.05 * block, 0.3, None)


def head_offsets(rng, blocks, heads, grid):
    """Attention that falls with the distance, with a peak of its own for every head."""
    sides = [np.arange(1 - side, side) for side in grid]
    places = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1)  # (..., axes)
    pairs = np.prod(1 - abs(places) / np.array(grid), axis=-1).astype("float32")
    maps = {}
    for block in blocks:
        peaks = rng.integers(-1, 2, (heads, *[1] * len(grid), len(grid)))
        each = np.exp(-abs(places - peaks).sum(axis=-1)) * rng.uniform(
            0.8, 1, (heads, *pairs.shape)
        )
        shares = each * pairs
        total = shares.reshape(heads, -1).sum(axis=1).reshape(-1, *[1] * len(grid))
        maps[block] = (each / total).astype("float32")
    return HeadOffsets(maps, pairs, pairs / pairs.sum(), step=2 if len(grid) == 1 else 1)


def class_directions(rng, blocks, heads, classes, steps=3):
    def each(draw):
        return {block: draw() for block in blocks}

    order = np.tile(np.arange(classes), (heads, 1))
    return ClassDirections(
        labels=each(lambda: rng.permuted(order, axis=1)[:, :steps]),
        explained=each(lambda: np.sort(rng.random((heads, steps)), axis=1).astype("float32")),
        gains=each(lambda: rng.uniform(-1, 1, (heads, steps)).astype("float32")),
        raised=each(lambda: rng.integers(0, classes, heads)),
    )


def answers_of_block(rng, heads, count, samples, classes, tokens):
    maps = rng.gamma(0.7, size=(heads, count, tokens))
    maps = maps / maps.max(axis=-1, keepdims=True)
    return HeadAnswers(
        samples=rng.permuted(np.tile(np.arange(samples), (heads, 1)), axis=1)[:, :count],
        strengths=-np.sort(-rng.uniform(0.5, 1.5, (heads, count))).astype("float32"),
        labels=rng.integers(0, classes, (heads, count)),
        maps=np.rint(255 * maps).astype("uint8"),
    )


def pictures(rng, count, shape):
    """Smooth coloured pictures, which compress about as well as photographs."""
    coarse = rng.integers(0, 256, (count, 4, 4, shape[2]))
    rows, columns = (np.arange(side) * 4 // side for side in shape[:2])
    fine = coarse[:, rows][:, :, columns] + rng.normal(0, 12, (count, *shape))
    return np.clip(fine, 0, 255).astype("uint8")
