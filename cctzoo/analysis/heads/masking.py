"""Predictions of a model with some of its heads silenced."""

from collections.abc import Iterable, Mapping

import numpy as np

from cctzoo.analysis.batches import predict_batch, sample_batches
from cctzoo.analysis.checks import check_classifier, check_labelled
from cctzoo.analysis.heads.gates import gated_model
from cctzoo.analysis.heads.pruning import Keep, remaining_heads
from cctzoo.arguments import checked_arguments
from cctzoo.data.samples import Samples
from cctzoo.models import CCT
from cctzoo.training.processes import ALONE, Processes
from cctzoo.typing import Array


@checked_arguments
def masked_predictions(model: CCT, samples: Samples, keep: Keep, *, batch_size: int = 32) -> Array:
    """Predicts with only some heads of the model; the others are silenced.

    The logits are those of `prune_heads(model, keep)`, at the cost of the whole model.

    Args:
        model: a `CCT` that ends with softmax or with logits.
        samples: images or token ids (n, ...).
        keep: as in `prune_heads`.
        batch_size: samples per batch.

    Returns:
        Logits (n, classes) float32.
    """
    return _predict(gated_model(model), samples, remaining_heads(model, keep), batch_size)


@checked_arguments
def accuracy_by_kept_heads(
    model: CCT,
    ranking: Mapping[int, Array],
    samples: Samples,
    labels: Array,
    counts: Iterable[int] | None = None,
    *,
    batch_size: int = 32,
    processes: Processes = ALONE,
) -> dict[int, float]:
    """Measures the accuracy with the first heads of each block's ranking, without retraining.

    Args:
        model: a `CCT` that ends with softmax or with logits.
        ranking: dict from block to heads, best first, as returned by `rank_heads`.
        samples: images or token ids (n, ...).
        labels: (n,) integers.
        counts: numbers of heads to keep in every block; a block with fewer heads keeps all.
            Default: the largest number of heads, halved repeatedly down to 1.
        batch_size: samples per batch.
        processes: the processes that divide the samples. All of them call this function.

    Returns:
        A dict from the number of heads to the accuracy, most heads first.

    Raises:
        ValueError: if a count is below 1, or if the data does not fit the model.
    """
    check_classifier(model)
    x, y = check_labelled("samples, labels", (samples, labels), model.config.classes, False)
    counts = halved_counts(model) if counts is None else list(counts)
    processes = processes.for_samples(len(y))
    own = processes.part(len(y))
    gated, found = gated_model(model), {}
    for count in sorted(set(counts), reverse=True):
        if count < 1:
            raise ValueError(f"`counts` must be at least 1. Received: counts={counts}")
        kept = remaining_heads(model, {block: heads[:count] for block, heads in ranking.items()})
        logits = processes.join(_predict(gated, x[own], kept, batch_size), len(y))
        found[count] = float((logits.argmax(axis=1) == y).mean())
    return found


def halved_counts(model: CCT) -> list[int]:
    """Returns the largest number of heads of a block, halved repeatedly down to 1."""
    most = max(model.config.block_heads)
    return [most // 2**i for i in range(most.bit_length())]


def _predict(gated, x, kept, batch_size):
    gates = []
    for heads, tensor in zip(kept.values(), gated.inputs[1:], strict=True):
        row = np.zeros(tensor.shape[1:], "float32")  # (1, N)
        row[:, heads] = 1
        gates.append(row)
    parts = []
    for batch, count in sample_batches(x, batch_size, gated.inputs[0].shape[1:]):
        every = [np.broadcast_to(row, (len(batch), *row.shape)) for row in gates]
        logits = predict_batch(gated, [np.asarray(batch, gated.inputs[0].dtype), *every])
        parts.append(np.asarray(logits, "float32")[:count])
    return np.concatenate(parts)
