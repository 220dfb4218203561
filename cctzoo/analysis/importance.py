"""Which heads matter: by gradient, and by leaving each of them out."""

import numpy as np

from cctzoo.analysis.gates import block_input, gated_model
from cctzoo.analysis.gradients import gate_gradients
from cctzoo.analysis.head_scores import HeadScores
from cctzoo.analysis.labelled import check_labelled, encoder_blocks, sample_batches, token_masks


def head_importance(model, images, labels, *, batch_size=16):
    """How strongly the loss depends on each head, from one backward pass.

    I_h = mean over samples and tokens of |head_output_h . dLoss / dhead_output_h|, the product
    over the head's width; divided by the L2 norm over the heads of a block. The mean of a text
    is over the tokens that count.

    Args:
        model: a `CCT` that ends on softmax or on logits.
        images, labels: images or token ids (n, ...), and (n,) integers.
        batch_size: samples at once; gradients keep the scores of all heads and blocks.

    Returns:
        `HeadScores` of `importance`.

    Reference: Michel et al., "Are Sixteen Heads Really Better than One?", arXiv 1905.10650,
        who normalise by block as is done here.
    """
    blocks = encoder_blocks(model)
    gated = gated_model(model, per_token=True)
    x, y = check_labelled("images, labels", (images, labels), model.config.classes, False)
    gradients, masks = gate_gradients(gated), token_masks(model)
    totals = [np.zeros(tensor.shape[-1]) for tensor in gated.inputs[1:]]
    done = 0
    for samples, count in sample_batches(x, batch_size):
        size = len(samples)
        targets = y[(done + np.arange(size)) % len(y)]
        gates = [np.ones((size, *tensor.shape[1:]), "float32") for tensor in gated.inputs[1:]]
        found = gradients(np.asarray(samples, gated.inputs[0].dtype), gates, targets)
        tokens = masks(samples).sum(axis=1)[:count, None]  # (B, 1)
        for total, each in zip(totals, found, strict=True):
            # d/dgate of a token's head is its output times the gradient in it; 0 where a
            # token does not count.
            sums = np.abs(each[:count].astype("float64")).sum(axis=1)  # (B, N)
            total += (sums / tokens).sum(axis=0)
        done += count
    norms = [np.linalg.norm(total) or 1 for total in totals]
    scores = [total / norm for total, norm in zip(totals, norms, strict=True)]
    return HeadScores({"importance": dict(zip(blocks, scores, strict=True))}, {"images": len(y)})


def head_ablation(model, images, labels, blocks=None, *, batch_size=32):
    """What is lost when one head is silenced.

    Every head costs a pass over the samples through its block and those behind it.

    Args:
        model: a `CCT` that ends on softmax or on logits.
        images, labels: images or token ids (n, ...), and (n,) integers.
        blocks: a number or several; None: all encoder blocks.
        batch_size: samples at once.

    Returns:
        `HeadScores` of `probability_drop` (of the true label), `accuracy_drop` and
        `divergence` (Jensen-Shannon, of the whole and the ablated prediction, in nats).
    """
    blocks = encoder_blocks(model, blocks)
    x, y = check_labelled("images, labels", (images, labels), model.config.classes, False)
    figures = {name: {} for name in ("probability_drop", "accuracy_drop", "divergence")}
    for block in blocks:
        found = _ablate_block(model, block, x, y, batch_size)  # (N, 3)
        for name, values in zip(figures, found.T, strict=True):
            figures[name][block] = values
    return HeadScores(figures, {"images": len(y)})


def _ablate_block(model, block, x, y, batch_size):
    before, after = block_input(model, block), gated_model(model, start=block)
    heads = model.get_layer(f"block{block:02d}").attention.num_heads
    sums, done = np.zeros((heads, 3)), 0
    for samples, count in sample_batches(x, batch_size):
        entry = before(samples)
        gates = [
            np.ones((len(samples), *tensor.shape[1:]), "float32")
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
    return sums / len(y)


def _probabilities(after, entry, gates):
    logits = np.asarray(after.predict_on_batch([*entry, *gates]), "float64")
    logits -= logits.max(axis=1, keepdims=True)
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def _losses(whole, ablated, y):
    """Sums over the samples of probability drop, accuracy drop and divergence."""
    rows = np.arange(len(y))
    right = (whole.argmax(1) == y).sum() - (ablated.argmax(1) == y).sum()
    middle = (whole + ablated) / 2
    divergence = sum((p * np.log(np.maximum(p, 1e-300) / middle)).sum() for p in (whole, ablated))
    return (whole - ablated)[rows, y].sum(), right, divergence / 2
