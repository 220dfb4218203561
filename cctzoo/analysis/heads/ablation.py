"""The importance of heads by ablation: each head is silenced on its own."""

from collections.abc import Iterable

import numpy as np

from cctzoo.analysis.batches import predict_batch, sample_batches
from cctzoo.analysis.checks import check_classifier, check_labelled, encoder_blocks
from cctzoo.analysis.heads.gates import block_input, gated_model
from cctzoo.analysis.heads.scores import HeadScores
from cctzoo.arguments import checked_arguments
from cctzoo.data.samples import Samples
from cctzoo.models import CCT
from cctzoo.training.processes import ALONE, Processes
from cctzoo.typing import Array

FIGURES = ("probability_drop", "accuracy_drop", "divergence")


@checked_arguments
def head_ablation(
    model: CCT,
    samples: Samples,
    labels: Array,
    blocks: int | Iterable[int] | None = None,
    *,
    batch_size: int = 32,
    processes: Processes = ALONE,
) -> HeadScores:
    """Measures what the prediction loses when a single head is silenced.

    Every head takes one pass of all samples through its block and the blocks after it.

    Args:
        model: a `CCT` that ends with softmax or with logits.
        samples: images or token ids (n, ...).
        labels: (n,) integers.
        blocks: one number or several; None: all encoder blocks.
        batch_size: samples per batch.
        processes: the processes that divide the samples. All of them call this function.

    Returns:
        `HeadScores` with the scores `probability_drop` (of the true label), `accuracy_drop`
        and `divergence` (Jensen-Shannon divergence of the predictions with and without the
        head, in nats), each a mean over the samples.
    """
    blocks = encoder_blocks(model, blocks)
    check_classifier(model)
    x, y = check_labelled("samples, labels", (samples, labels), model.config.classes, False)
    figures = {name: {} for name in FIGURES}
    processes = processes.for_samples(len(y))
    own = processes.part(len(y))
    for block in blocks:
        sums = _ablate_block(model, block, x[own], y[own], batch_size)  # (N, 3)
        found = processes.gather(sums).sum(axis=0) / len(y)
        for name, values in zip(FIGURES, found.T, strict=True):
            figures[name][block] = values
    return HeadScores(figures, {"samples": len(y)})


def _ablate_block(model, block, x, y, batch_size):
    """Returns the sums of `FIGURES` over the samples, for each head."""
    before, after = block_input(model, block), gated_model(model, start=block)
    heads = model.get_layer(f"block{block:02d}").attention.num_heads
    sums, done = np.zeros((heads, len(FIGURES))), 0
    for batch, count in sample_batches(x, batch_size, model.input_shape[1:]):
        entry = before(batch)
        gates = [
            np.ones((len(batch), *tensor.shape[1:]), "float32")
            for tensor in after.inputs[len(entry) :]
        ]
        targets = y[done : done + count]
        whole = _probabilities(after, entry, gates)[:count]
        for head in range(heads):
            gates[0][..., head] = 0
            ablated = _probabilities(after, entry, gates)[:count]
            gates[0][..., head] = 1
            sums[head] += _losses(whole, ablated, targets)
        done += count
    return sums


def _probabilities(after, entry, gates):
    logits = np.asarray(predict_batch(after, [*entry, *gates]), "float64")
    logits -= logits.max(axis=1, keepdims=True)
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def _losses(whole, ablated, y):
    """Returns the sums of `FIGURES` over the samples."""
    rows = np.arange(len(y))
    right = (whole.argmax(1) == y).sum() - (ablated.argmax(1) == y).sum()
    middle = (whole + ablated) / 2
    divergence = sum((p * np.log(np.maximum(p, 1e-300) / middle)).sum() for p in (whole, ablated))
    return (whole - ablated)[rows, y].sum(), right, divergence / 2
