"""Features of every block, pooled over the tokens that count, in one pass over the samples."""

import dataclasses

import numpy as np

from cctzoo.analysis.labelled import check_labelled, encoder_blocks, sample_batches
from cctzoo.analysis.recognition.probe import (
    fit_pooling,
    mean_weights,
    pool,
    token_weights,
    unit_token_weights,
)
from cctzoo.data.splits import subset
from cctzoo.models import feature_extractor, feature_names

# unit: (the feature that it is part of, whether it is a single channel of that)
UNITS = {
    "head": ("heads", False),
    "attention_node": ("heads", True),
    "mlp_node": ("mlp", True),
    "stream_node": ("block", True),
}
POOLINGS = ("trained", "model", "mean")
CACHE_BYTES = 2**28  # of tokens kept at once while pooling is trained


@dataclasses.dataclass(frozen=True, eq=False)
class PooledFeatures:
    """What probes are trained and tested on.

    Args:
        train: dict from (unit, block) to (n, U, H): U units of width H, pooled.
        test: the same of the test samples.
        scores: dict from (unit, block) to the pooling's score (U * H,), or None.
        y_train, y_test: (n,) integers.
        classes: number of classes.
        pooling: `"trained"`, `"model"` or `"mean"`.
        recompute_pooling: whether each unit's test features were pooled by its own weights.
        pooling_images: training samples that the pooling was trained on.
    """

    train: dict
    test: dict
    scores: dict
    y_train: np.ndarray
    y_test: np.ndarray
    classes: int
    pooling: str
    recompute_pooling: bool
    pooling_images: int = 0


def pool_features(
    model,
    train,
    test,
    blocks=None,
    units=("head",),
    *,
    pooling="trained",
    recompute_pooling=False,
    pooling_images=1000,
    batch_size=32,
    seed=0,
):
    """Gathers what probes of all blocks need, in one pass over the samples.

    The padding of a text has no weight in any pooling.

    Args:
        model: a `CCT`, in inference; its weights are not changed.
        train, test: (images or token ids, labels).
        blocks: a number or several; None: all encoder blocks.
        units: any of `"head"`, `"attention_node"` (channels of the heads, before the
            projection), `"mlp_node"` (the perceptron's hidden layer, after GELU),
            `"stream_node"` (channels of the block's output).
        pooling: where the tokens' weights come from: `"trained"` (a score trained with a
            classifier on each block's features, then frozen), `"model"` (the model's own
            sequence pooling) or `"mean"`. Our choice: the paper's abstract does not say.
        recompute_pooling: pool the test features of each unit by the weights that its own
            channels give, as if all others were zero. Fields then no longer add up.
        pooling_images: training samples, drawn evenly from the classes, that the pooling is
            trained on; passes of their own over these, several if their tokens are more
            than 256 MB.
        batch_size: samples at once.
        seed: of the choice of those that the pooling is trained on.

    Returns:
        A `PooledFeatures`.

    Raises:
        ValueError: for blocks or units that the model does not have, labels that do not fit,
            or options that contradict each other.
    """
    blocks = encoder_blocks(model, blocks)
    _check_options(model, units, pooling, recompute_pooling, pooling_images)
    classes = _classes(model, train)
    x_train, y_train = check_labelled("train", train, classes)
    x_test, y_test = check_labelled("test", test, classes)
    features = sorted({f"{UNITS[unit][0]}{block:02d}" for unit in units for block in blocks})
    scores, used = dict.fromkeys(features), 0
    if pooling == "trained":
        used = min(pooling_images, len(y_train))
        chosen = subset(y_train, used, seed)
        few = x_train[chosen], y_train[chosen]
        scores = _trained_scores(model, features, *few, classes, batch_size)
    extractor = _extractor(model, features + ["pooling_weights"] * (pooling == "model"))
    widths = {name: _width(model, name) for name in features}
    keys = {(unit, block): f"{UNITS[unit][0]}{block:02d}" for unit in units for block in blocks}
    pooled = _pooled(extractor, x_train, scores, widths, batch_size)
    found = {
        key: pooled[feature].reshape(len(y_train), *_shape(model, *key))
        for key, feature in keys.items()
    }
    if recompute_pooling:
        shapes = {key: (feature, _shape(model, *key)) for key, feature in keys.items()}
        tested = _pooled_alone(extractor, x_test, scores, shapes, batch_size)
    else:
        pooled = _pooled(extractor, x_test, scores, widths, batch_size)
        tested = {
            key: pooled[feature].reshape(len(y_test), *_shape(model, *key))
            for key, feature in keys.items()
        }
    own = {key: scores[feature] for key, feature in keys.items()}
    return PooledFeatures(
        found, tested, own, y_train, y_test, classes, pooling, recompute_pooling, used
    )


def _check_options(model, units, pooling, recompute_pooling, pooling_images):
    if isinstance(units, str) or not units or any(unit not in UNITS for unit in units):
        raise ValueError(
            f"`units` must be a sequence of any of {tuple(UNITS)}. Received: units={units!r}"
        )
    if pooling not in POOLINGS:
        raise ValueError(f"`pooling` must be one of {POOLINGS}. Received: pooling={pooling!r}")
    if pooling == "model" and "pooling_weights" not in feature_names(model):
        raise ValueError(
            '`pooling="model"` needs a model that ends with sequence pooling. '
            f"Received: pooling='model', {model.name!r} with {model.config.token_pooling!r}"
        )
    if recompute_pooling and pooling != "trained":
        raise ValueError(
            '`recompute_pooling` needs `pooling="trained"`: other weights do not depend on the '
            f"units. Received: recompute_pooling=True, pooling={pooling!r}"
        )
    if pooling_images < 1:
        raise ValueError(
            f"`pooling_images` must be at least 1. Received: pooling_images={pooling_images}"
        )


def _classes(model, train):
    """The model's; without a classifier as many as the training labels need."""
    if model.config.include_top or not isinstance(train, tuple):
        return model.config.classes
    return int(np.max(train[1])) + 1


def _shape(model, unit, block):
    """(U, H) of a unit in a block."""
    feature, single = UNITS[unit]
    if single:
        return _width(model, f"{feature}{block:02d}"), 1
    attention = model.get_layer(f"block{block:02d}").attention
    return attention.num_heads, attention.head_dim


def _width(model, feature):
    """Channels of a feature, e.g. `"heads03"`."""
    kind, block = feature[:-2], model.get_layer(f"block{feature[-2:]}")
    if kind == "heads":
        return block.attention.num_heads * block.attention.head_dim
    return block.expand.units if kind == "mlp" else model.config.embed_dim


def _extractor(model, features):
    """A `feature_extractor` that gives the mask of the tokens too, where there is one."""
    masks = ["mask"] if "mask" in feature_names(model) else []
    return feature_extractor(model, [*features, *masks])


def _batches(extractor, x, batch_size):
    """Yields (slice of the samples, dict of their features and mask).

    Features are (B, T, width) float32, the mask is (B, T), True where a token counts.
    """
    done = 0
    for samples, count in sample_batches(x, batch_size):
        found = extractor.predict_on_batch(samples)
        found = {name: _sequence(name, value[:count]) for name, value in found.items()}
        if "mask" not in found:  # of images
            found["mask"] = np.ones(next(iter(found.values())).shape[:2], bool)
        yield slice(done, done + count), found
        done += count


def _sequence(name, x):
    """Any feature as (B, T, width): maps (B, H, W, D) row by row, heads (B, T, N, H) merged."""
    if name == "mask":
        return np.asarray(x)  # (B, T)
    x = np.asarray(x, "float32")
    if name == "pooling_weights":
        return x.reshape(len(x), -1)  # (B, T)
    if name.startswith("heads"):
        return x.reshape(*x.shape[:2], -1)
    return x.reshape(len(x), -1, x.shape[-1])


def _trained_scores(model, features, x, y, classes, batch_size):
    """A dict from feature to score; as many blocks in one pass as the cache holds."""
    tokens, scores = model.config.tokens, {}
    widths = {name: _width(model, name) for name in features}
    at_once = max(1, CACHE_BYTES // (4 * len(x) * tokens * max(widths.values())))
    for start in range(0, len(features), at_once):
        names = features[start : start + at_once]
        # Whole from the start: joining the parts of batches would hold everything twice.
        cache = {name: np.empty((len(x), tokens, widths[name]), "float32") for name in names}
        mask = np.empty((len(x), tokens), bool)
        for part, found in _batches(_extractor(model, names), x, batch_size):
            mask[part] = found["mask"]
            for name in names:
                cache[name][part] = found[name]
        for name in names:
            scores[name] = fit_pooling(cache.pop(name), y, classes, mask)
    return scores


def _pooled(extractor, x, scores, widths, batch_size):
    """A dict from feature to (n, width), pooled by weights from all channels."""
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


def _pooled_alone(extractor, x, scores, shapes, batch_size):
    """A dict from (unit, block) to (n, U, H), each unit pooled by its own weights."""
    pooled = {key: np.empty((len(x), *shape), "float32") for key, (_, shape) in shapes.items()}
    for part, found in _batches(extractor, x, batch_size):
        for key, (feature, shape) in shapes.items():
            tokens = found[feature].reshape(*found[feature].shape[:2], *shape)
            weights = unit_token_weights(tokens, scores[feature], found["mask"])  # (B, T, U)
            pooled[key][part] = np.einsum("btu,btuh->buh", weights, tokens)
    return pooled
