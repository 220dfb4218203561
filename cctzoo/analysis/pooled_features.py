"""Features of every block, pooled over the tokens, in one pass over the images."""

import dataclasses

import numpy as np

from cctzoo.analysis.labelled import check_labelled, encoder_blocks, image_batches
from cctzoo.analysis.probe import fit_pooling, pool, token_weights, unit_token_weights
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
CACHE_BYTES = 2**29  # of tokens kept at once while pooling is trained


@dataclasses.dataclass(frozen=True, eq=False)
class PooledFeatures:
    """What probes are trained and tested on.

    Args:
        train: dict from (unit, block) to (n, U, H): U units of width H, pooled.
        test: the same of the test images.
        scores: dict from (unit, block) to the pooling's score (U * H,), or None.
        y_train, y_test: (n,) integers.
        classes: number of classes.
        pooling: `"trained"`, `"model"` or `"mean"`.
        recompute_pooling: whether each unit's test features were pooled by its own weights.
        pooling_images: training images that the pooling was trained on.
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
    """Gathers what probes of all blocks need, in one pass over the images.

    Args:
        model: a `CCT`, in inference; its weights are not changed.
        train, test: (images, labels).
        blocks: a number or several; None: all encoder blocks.
        units: any of `"head"`, `"attention_node"` (channels of the heads, before the
            projection), `"mlp_node"` (the perceptron's hidden layer, after GELU),
            `"stream_node"` (channels of the block's output).
        pooling: where the tokens' weights come from: `"trained"` (a score trained with a
            classifier on each block's features, then frozen), `"model"` (the model's own
            sequence pooling) or `"mean"`. Our choice: the paper's abstract does not say.
        recompute_pooling: pool the test features of each unit by the weights that its own
            channels give, as if all others were zero. Fields then no longer add up.
        pooling_images: training images, drawn evenly from the classes, that the pooling is
            trained on; passes of their own over these, several if their tokens are more
            than 512 MB.
        batch_size: images at once.
        seed: of the choice of these images.

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
    extractor = feature_extractor(
        model, [*features, *(["pooling_weights"] if pooling == "model" else [])]
    )
    keys = {(unit, block): f"{UNITS[unit][0]}{block:02d}" for unit in units for block in blocks}
    pooled = _pooled(extractor, x_train, scores, batch_size)
    found = {
        key: pooled[feature].reshape(len(y_train), *_shape(model, *key))
        for key, feature in keys.items()
    }
    if recompute_pooling:
        shapes = {key: (feature, _shape(model, *key)) for key, feature in keys.items()}
        tested = _pooled_alone(extractor, x_test, scores, shapes, batch_size)
    else:
        pooled = _pooled(extractor, x_test, scores, batch_size)
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
    layer = model.get_layer(f"block{block:02d}")
    attention = layer.attention
    width = {
        "heads": attention.num_heads * attention.head_dim,
        "mlp": layer.expand.units,
        "block": model.config.embed_dim,
    }[feature]
    return (width, 1) if single else (attention.num_heads, attention.head_dim)


def _batches(extractor, x, batch_size):
    """Yields dicts of features of the next images, (B, T, width) float32."""
    for images, count in image_batches(x, batch_size):
        found = extractor.predict_on_batch(images)
        yield {name: _sequence(name, value[:count]) for name, value in found.items()}


def _sequence(name, x):
    """Any feature as (B, T, width): maps (B, H, W, D) row by row, heads (B, T, N, H) merged."""
    x = np.asarray(x, "float32")
    if name == "pooling_weights":
        return x.reshape(len(x), -1)  # (B, T)
    if name.startswith("heads"):
        return x.reshape(*x.shape[:2], -1)
    return x.reshape(len(x), -1, x.shape[-1])


def _trained_scores(model, features, x, y, classes, batch_size):
    """A dict from feature to score; as many blocks in one pass as the cache holds."""
    config, scores = model.config, {}
    width = max(config.embed_dim, *(np.multiply(config.block_heads, config.block_head_dims)))
    width = max(width, int(config.embed_dim * config.mlp_ratio))
    at_once = max(1, CACHE_BYTES // (4 * len(x) * config.tokens * int(width)))
    for start in range(0, len(features), at_once):
        names = features[start : start + at_once]
        cache = {name: [] for name in names}
        for found in _batches(feature_extractor(model, names), x, batch_size):
            for name in names:
                cache[name].append(found[name])
        for name in names:
            scores[name] = fit_pooling(np.concatenate(cache.pop(name)), y, classes)
    return scores


def _pooled(extractor, x, scores, batch_size):
    """A dict from feature to (n, width), pooled by weights from all channels."""
    pooled = {name: [] for name in scores}
    for found in _batches(extractor, x, batch_size):
        for name, score in scores.items():
            weights = found.get("pooling_weights")
            if score is not None:
                weights = token_weights(found[name], score)
            elif weights is None:
                tokens = found[name].shape[1]
                weights = np.full((len(found[name]), tokens), 1 / tokens, "float32")
            pooled[name].append(pool(found[name], weights))
    return {name: np.concatenate(parts) for name, parts in pooled.items()}


def _pooled_alone(extractor, x, scores, shapes, batch_size):
    """A dict from (unit, block) to (n, U, H), each unit pooled by its own weights."""
    pooled = {key: [] for key in shapes}
    for found in _batches(extractor, x, batch_size):
        for key, (feature, (units, width)) in shapes.items():
            tokens = found[feature].reshape(*found[feature].shape[:2], units, width)
            weights = unit_token_weights(tokens, scores[feature])  # (B, T, U)
            pooled[key].append(np.einsum("btu,btuh->buh", weights, tokens))
    return {key: np.concatenate(parts) for key, parts in pooled.items()}
