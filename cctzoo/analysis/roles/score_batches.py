"""The attention scores of all heads, one batch of samples at a time."""

from collections.abc import Iterator

import numpy as np

from cctzoo.analysis.batches import predict_batch, sample_batches
from cctzoo.analysis.checks import encoder_blocks
from cctzoo.data.samples import Samples
from cctzoo.models import CCT, feature_extractor, feature_names
from cctzoo.typing import Array


def score_batches(
    model: CCT, samples: Samples, batch_size: int
) -> Iterator[tuple[dict[int, Array], Array]]:
    """Yields the scores and the mask of one batch after the other.

    Yields:
        A dict from encoder block to (B, N, T, T) float32, and the mask (B, T) float32, 0 where a
        token is padding. Only one batch is in memory.
    """
    names = {f"attention{block:02d}": block for block in encoder_blocks(model)}
    masks = ["mask"] if "mask" in feature_names(model) else []
    extractor = feature_extractor(model, [*names, *masks])
    for batch, count in sample_batches(samples, batch_size, model.input_shape[1:]):
        found = predict_batch(extractor, batch)
        mask = found.pop("mask", np.ones((len(batch), model.config.tokens)))
        scores = {names[name]: np.asarray(each)[:count] for name, each in found.items()}
        yield scores, np.asarray(mask, "float32")[:count]
