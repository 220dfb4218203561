"""Predictions with some heads silenced."""

import numpy as np

from cctzoo.analysis.gates import gated_model
from cctzoo.analysis.labelled import check_labelled, sample_batches
from cctzoo.analysis.pruning import kept_heads


def masked_predictions(model, images, keep, *, batch_size=32):
    """Logits with all heads but some silenced: what `prune_heads` makes smaller.

    Args:
        model: a `CCT` that ends on softmax or on logits.
        images: images or token ids (n, ...).
        keep: as in `prune_heads`.
        batch_size: samples at once.

    Returns:
        (n, classes) float32.
    """
    return _predict(gated_model(model), images, kept_heads(model, keep), batch_size)


def accuracy_by_kept_heads(model, ranking, images, labels, counts=None, *, batch_size=32):
    """Accuracy with the first heads of each block's ranking kept, without any training.

    Args:
        model: a `CCT` that ends on softmax or on logits.
        ranking: dict from block to heads, best first, as of `rank_heads`.
        images, labels: images or token ids (n, ...), and (n,) integers.
        counts: heads kept in every block, or all that there are. Default: halved down to 1
            from the largest number of heads.
        batch_size: samples at once.

    Returns:
        A dict from count to accuracy, the most heads first.
    """
    x, y = check_labelled("images, labels", (images, labels), model.config.classes, False)
    most = max(model.config.block_heads)
    if counts is None:
        counts = [most // 2**i for i in range(most.bit_length())]
    gated, found = gated_model(model), {}
    for count in sorted(set(counts), reverse=True):
        if count < 1:
            raise ValueError(f"`counts` must be at least 1. Received: counts={list(counts)}")
        kept = kept_heads(model, {block: heads[:count] for block, heads in ranking.items()})
        logits = _predict(gated, x, kept, batch_size)
        found[count] = float((logits.argmax(axis=1) == y).mean())
    return found


def _predict(gated, images, kept, batch_size):
    gates = []
    for heads, tensor in zip(kept.values(), gated.inputs[1:], strict=True):
        row = np.zeros(tensor.shape[1:], "float32")  # (1, N)
        row[:, heads] = 1
        gates.append(row)
    parts = []
    for samples, count in sample_batches(images, batch_size):
        every = [np.broadcast_to(row, (len(samples), *row.shape)) for row in gates]
        logits = gated.predict_on_batch([np.asarray(samples, gated.inputs[0].dtype), *every])
        parts.append(np.asarray(logits, "float32")[:count])
    return np.concatenate(parts)
