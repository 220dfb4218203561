"""The importance of heads by the gradient of the loss."""

import numpy as np

from cctzoo.analysis.batches import sample_batches, token_masks
from cctzoo.analysis.checks import check_labelled, encoder_blocks
from cctzoo.analysis.heads.gates import gated_model
from cctzoo.analysis.heads.gradients import gate_gradients
from cctzoo.analysis.heads.scores import HeadScores
from cctzoo.arguments import checked_arguments
from cctzoo.data.samples import Samples
from cctzoo.models import CCT
from cctzoo.training.processes import ALONE, Processes
from cctzoo.typing import Array


@checked_arguments
def head_importance(
    model: CCT,
    samples: Samples,
    labels: Array,
    *,
    batch_size: int = 16,
    processes: Processes = ALONE,
) -> HeadScores:
    """Measures how strongly the loss depends on each head, in one backward pass.

    I_h = mean over samples and tokens of |head_output_h . dLoss / dhead_output_h|, where the
    product sums over the width of the head. The scores of a block are divided by their L2
    norm. Padding tokens of a text are not part of the mean.

    Args:
        model: a `CCT` that ends with softmax or with logits.
        samples: images or token ids (n, ...).
        labels: (n,) integers.
        batch_size: samples per batch; the backward pass keeps the attention scores of all
            heads and blocks.
        processes: the processes that divide the samples. All of them call this function.

    Returns:
        `HeadScores` with the score `importance`.

    Reference: Michel et al., "Are Sixteen Heads Really Better than One?", arXiv 1905.10650,
        who also normalise by block.
    """
    blocks = encoder_blocks(model)
    gated = gated_model(model, per_token=True)
    x, y = check_labelled("samples, labels", (samples, labels), model.config.classes, False)
    gradients, masks = gate_gradients(gated), token_masks(model)
    totals = [np.zeros(tensor.shape[-1]) for tensor in gated.inputs[1:]]
    processes = processes.for_samples(len(y))
    own = processes.part(len(y))
    x, y, samples = x[own], y[own], len(y)
    done = 0
    for batch, count in sample_batches(x, batch_size, model.input_shape[1:]):
        size = len(batch)
        targets = y[(done + np.arange(size)) % len(y)]
        gates = [np.ones((size, *tensor.shape[1:]), "float32") for tensor in gated.inputs[1:]]
        found = gradients(np.asarray(batch, gated.inputs[0].dtype), gates, targets)
        tokens = masks(batch).sum(axis=1)[:count, None]  # (B, 1)
        for total, each in zip(totals, found, strict=True):
            # The gradient in the gate of a head at a token is the head's output times the
            # gradient in this output. At padding it is 0.
            sums = np.abs(each[:count].astype("float64")).sum(axis=1)  # (B, N)
            total += (sums / tokens).sum(axis=0)
        done += count
    totals = [processes.gather(total).sum(axis=0) for total in totals]
    norms = [np.linalg.norm(total) or 1 for total in totals]
    scores = [total / norm for total, norm in zip(totals, norms, strict=True)]
    return HeadScores({"importance": dict(zip(blocks, scores, strict=True))}, {"samples": samples})
