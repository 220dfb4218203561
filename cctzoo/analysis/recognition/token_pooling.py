"""Reads the features of a model batch by batch, and pools them over their tokens."""

from collections.abc import Mapping
from typing import NamedTuple

import keras
import numpy as np

from cctzoo.analysis.batches import predict_batch, sample_batches
from cctzoo.analysis.recognition.probe import (
    fit_pooling,
    mean_weights,
    pool,
    token_weights,
    unit_token_weights,
)
from cctzoo.data.samples import Samples
from cctzoo.models import CCT, feature_extractor, feature_names
from cctzoo.typing import Array

CACHE_BYTES = 2**28  # of tokens in memory while the pooling is trained


class Source(NamedTuple):
    """Where the units of a block come from.

    The model is read by feature, the results are kept by (unit, block), for example

        "heads03" (B, T, N * H)  ->  ("head", 3) (n, N, H)
                                 ->  ("attention_node", 3) (n, N * H, 1)
        "mlp03"   (B, T, M)      ->  ("mlp_node", 3) (n, M, 1)
        "block03" (B, T, D)      ->  ("stream_node", 3) (n, D, 1)

    so that heads and attention nodes share the pooling of one feature.

    Args:
        feature: name of the feature, as in `models.feature_extractor`.
        shape: (U, H): number and width of the units.
    """

    feature: str
    shape: tuple[int, int]


def feature_width(model: CCT, feature: str) -> int:
    """Returns the number of channels of a feature, for example `"heads03"`."""
    kind, block = feature[:-2], model.get_layer(f"block{feature[-2:]}")
    if kind == "heads":
        return block.attention.num_heads * block.attention.head_dim
    return block.expand.units if kind == "mlp" else model.config.embed_dim


def token_extractor(model: CCT, features: list[str]) -> keras.Model:
    """Returns a `feature_extractor` that also gives the mask of the tokens of a text model."""
    masks = ["mask"] if "mask" in feature_names(model) else []
    return feature_extractor(model, [*features, *masks])


def _batches(extractor, x, batch_size):
    """Yields (slice of the samples, dict from name to their features, and to their mask).

    Features are (B, T, width) float32. The mask is (B, T), False where a token is padding.
    """
    done = 0
    for samples, count in sample_batches(x, batch_size, extractor.input_shape[1:]):
        found = predict_batch(extractor, samples)
        found = {name: _sequence(name, value[:count]) for name, value in found.items()}
        if "mask" not in found:  # an image model: no token is padding
            found["mask"] = np.ones(next(iter(found.values())).shape[:2], bool)
        yield slice(done, done + count), found
        done += count


def _sequence(name, x):
    """Reshapes maps (B, H, W, D) and heads (B, T, N, H) to sequences (B, T, width)."""
    if name == "mask":
        return np.asarray(x)  # (B, T)
    x = np.asarray(x, "float32")
    if name == "pooling_weights":
        return x.reshape(len(x), -1)  # (B, T)
    if name.startswith("heads"):
        return x.reshape(*x.shape[:2], -1)
    return x.reshape(len(x), -1, x.shape[-1])


def trained_scores(
    model: CCT, features: list[str], x: Samples, y: Array, classes: int, batch_size: int
) -> dict[str, Array]:
    """Returns a dict from feature to score; a pass has as many features as the cache holds."""
    tokens, scores = model.config.tokens, {}
    widths = {name: feature_width(model, name) for name in features}
    at_once = max(1, CACHE_BYTES // (4 * len(x) * tokens * max(widths.values())))
    for start in range(0, len(features), at_once):
        names = features[start : start + at_once]
        # Allocated once: to concatenate the batches would need twice the memory.
        cache = {name: np.empty((len(x), tokens, widths[name]), "float32") for name in names}
        mask = np.empty((len(x), tokens), bool)
        for part, found in _batches(token_extractor(model, names), x, batch_size):
            mask[part] = found["mask"]
            for name in names:
                cache[name][part] = found[name]
        for name in names:
            scores[name] = fit_pooling(cache.pop(name), y, classes, mask)
    return scores


def pool_by_feature(
    extractor: keras.Model,
    x: Samples,
    scores: Mapping[str, Array | None],
    widths: dict[str, int],
    batch_size: int,
) -> dict[str, Array]:
    """Returns a dict from feature to (n, width); all channels share the weights of the tokens.

    Args:
        extractor: from `token_extractor`; where it has `pooling_weights`, the weights are
            those of the model's own pooling.
        x: images or token ids (n, ...).
        scores: dict from feature to score. Without a score and without `pooling_weights`, all
            tokens have the same weight.
        widths: dict from feature to its number of channels.
        batch_size: samples per batch.
    """
    pooled = {name: np.empty((len(x), widths[name]), "float32") for name in scores}
    for part, found in _batches(extractor, x, batch_size):
        for name, score in scores.items():
            weights = found.get("pooling_weights")
            if score is not None:
                weights = token_weights(found[name], score, found["mask"])
            elif weights is None:
                weights = mean_weights(found["mask"])
            pooled[name][part] = pool(found[name], weights)
    return pooled


def pool_by_unit(
    extractor: keras.Model,
    x: Samples,
    scores: Mapping[str, Array],
    sources: Mapping[tuple[str, int], Source],
    batch_size: int,
) -> dict[tuple[str, int], Array]:
    """Returns a dict from (unit, block) to (n, U, H); each unit has its own token weights."""
    pooled = {key: np.empty((len(x), *source.shape), "float32") for key, source in sources.items()}
    for part, found in _batches(extractor, x, batch_size):
        for key, (feature, shape) in sources.items():
            tokens = found[feature].reshape(*found[feature].shape[:2], *shape)  # (B, T, U, H)
            weights = unit_token_weights(tokens, scores[feature], found["mask"])  # (B, T, U)
            pooled[key][part] = np.einsum("btu,btuh->buh", weights, tokens)
    return pooled
