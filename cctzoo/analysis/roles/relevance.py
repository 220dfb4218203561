"""Which tokens speak for a class: attention, weighted by the gradient of the class's logit."""

import numpy as np

from cctzoo.analysis.batches import sample_batches
from cctzoo.analysis.checks import check_classifier
from cctzoo.analysis.heads.gates import score_gated_model
from cctzoo.analysis.heads.gradients import class_logit, gate_gradients
from cctzoo.analysis.roles.reach import pooling_reach
from cctzoo.arguments import checked_arguments
from cctzoo.data.samples import Samples
from cctzoo.messages import received
from cctzoo.models import CCT
from cctzoo.training import evaluation
from cctzoo.typing import Array


@checked_arguments
def class_relevance(
    model: CCT, samples: Samples, labels: Array | None = None, *, batch_size: int = 4
) -> Array:
    """Measures how much each token of a sample speaks for a class.

    In each block, the attention A of a head is multiplied by the gradient of the class's logit
    in A. What is negative counts as 0, and the heads are averaged: the result is the part of
    the attention that raises the logit. Over the blocks, from the first on,

        E = mean over heads of max(0, A * dlogit/dA)      (T, T)
        R = R + E R, which starts with the identity

    The relevance of the tokens is the mean of the rows of R, weighted by the sequence pooling;
    the row of the class token, without its own entry; or the plain mean for other poolings.

    Unlike `attention_rollout`, the result depends on the class and on the values that the
    attention reads. What a token contributes without any attention, through the residual stream,
    has the weight of the pooling, whatever the class. The convolutions before the first block
    are left out: each token stands for the part of the image that its values come from.

    Args:
        model: a `CCT` that ends with softmax or with logits.
        samples: images (n, height, width, channels) or token ids (n, length).
        labels: (n,) integers, the class that is explained for each sample; None: the class that
            the model predicts.
        batch_size: samples per batch; the attention of all heads and blocks, (B, N, T, T) each,
            is in memory several times.

    Returns:
        (n, H, W) float32 over the grid of tokens, not negative. For text models (n, T), with
        zeros at padding; see `word_relevance` for a result by word.

    Raises:
        ValueError: if the model does not end with softmax or with logits, if samples or labels do
            not fit the model, or if the model is quantised.

    Reference: Chefer et al., "Generic Attention-model Explainability for Interpreting Bi-Modal
        and Encoder-Decoder Transformers", arXiv 2103.15679, the rules for self-attention. The
        paper's models have a class token; the weights of the sequence pooling are our choice.
    """
    check_classifier(model)
    labels = _labels(model, samples, labels)
    gated = score_gated_model(model)
    gradients, reach_of = gate_gradients(gated, class_logit), pooling_reach(model)
    extra = model.config.tokens - int(np.prod(model.config.grid))  # 1 with a class token
    found, done = [], 0
    for batch, count in sample_batches(samples, batch_size, model.input_shape[1:]):
        targets = labels[(done + np.arange(len(batch))) % len(labels)]
        gates = [np.ones((len(batch), *each.shape[1:]), "float32") for each in gated.inputs[1:]]
        products = gradients(np.asarray(batch, gated.inputs[0].dtype), gates, targets)
        relevance = propagate(reach_of(batch)[:count], [each[:count] for each in products])
        found.append(relevance[:, extra:])
        done += count
    return np.concatenate(found).reshape(-1, *model.config.grid)


def propagate(reach: Array, products: list[Array]) -> Array:
    """Returns the rows of R, weighted by the pooling.

    R is never computed: the row `reach` is multiplied by (I + E) of each block, the last first.

    Args:
        reach: (B, T), how much each token counts in the pooling.
        products: of each block, from the first on, (B, N, T, T): attention times gradient.

    Returns:
        (B, T) float32.
    """
    row = reach[:, None].astype("float32")  # (B, 1, T)
    for each in reversed(products):
        row = row + row @ np.maximum(each, 0).mean(axis=1)
    return row[:, 0]


def _labels(model, samples, labels):
    if labels is None:
        return evaluation.predict(model, samples).argmax(axis=1)
    labels, classes = np.asarray(labels), model.config.classes
    whole = np.issubdtype(labels.dtype, np.integer)
    if labels.shape != (len(samples),) or not whole or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            "`labels` must be one integer from 0 to classes - 1 for each sample. "
            f"{received(labels=labels, samples=len(samples), classes=classes)}"
        )
    return labels.astype("int64")
