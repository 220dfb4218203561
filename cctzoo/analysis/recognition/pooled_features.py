"""Features of every block, pooled over their tokens in one pass over the samples."""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from cctzoo.analysis.checks import (
    Labelled,
    check_exclusive_classes,
    check_labelled,
    encoder_blocks,
)
from cctzoo.analysis.recognition.options import ProbeOptions
from cctzoo.analysis.recognition.token_pooling import (
    Source,
    feature_width,
    pool_by_feature,
    pool_by_unit,
    token_extractor,
    trained_scores,
)
from cctzoo.arguments import checked_arguments
from cctzoo.data.splits import subset
from cctzoo.models import CCT, feature_names
from cctzoo.optional_packages import require
from cctzoo.training.processes import ALONE, Processes
from cctzoo.typing import Array

# unit: (the feature that holds it, whether a unit is a single channel of the feature)
UNITS = {
    "head": ("heads", False),
    "attention_node": ("heads", True),
    "mlp_node": ("mlp", True),
    "stream_node": ("block", True),
}


@dataclasses.dataclass(frozen=True, eq=False)
class PooledFeatures:
    """The features that probes are trained and tested on.

    Args:
        train: dict from (unit, block) to (n, U, H): U units of width H, pooled.
        test: the same for the test samples.
        scores: dict from (unit, block) to the score of the pooling (U * H,), or None where
            the pooling is not trained.
        y_train, y_test: (n,) integers.
        classes: number of classes.
        options: options that the features were pooled with, and that probes will be trained
            and read with.
        pooling_samples: number of training samples that the pooling was trained on.
    """

    train: dict[tuple[str, int], Array]
    test: dict[tuple[str, int], Array]
    scores: dict[tuple[str, int], Array | None]
    y_train: Array
    y_test: Array
    classes: int
    options: ProbeOptions
    pooling_samples: int = 0


@checked_arguments
def pool_features(
    model: CCT,
    train: Labelled,
    test: Labelled,
    blocks: int | Iterable[int] | None = None,
    units: Sequence[str] = ("head",),
    options: ProbeOptions | None = None,
    *,
    batch_size: int = 32,
    seed: int = 0,
    processes: Processes = ALONE,
) -> PooledFeatures:
    """Pools the features that the probes of all blocks need, in one pass over the samples.

    Padding tokens of a text have no weight in any pooling.

    Args:
        model: a `CCT`, run in inference mode; its weights are not changed.
        train, test: (images or token ids, labels).
        blocks: one number or several; None: all encoder blocks.
        units: any of `"head"`, `"attention_node"` (channels of the heads before the
            projection), `"mlp_node"` (the hidden layer of the MLP after its activation),
            `"stream_node"` (channels of the output of the block).
        options: options of the probes. Default: `ProbeOptions()`.
        batch_size: samples per batch.
        seed: seed of the choice of the samples that the pooling is trained on.
        processes: the processes that divide the samples, and the features whose pooling is
            trained. All of them call this function, and get the features of all samples.

    Raises:
        ValueError: if the model has no such block or no sequence pooling where the options
            need it, if a unit is unknown, or if the labels do not fit the samples.
    """
    options = options or ProbeOptions()
    blocks = encoder_blocks(model, blocks)
    check_exclusive_classes(model)
    require("scipy", extra="recipes", purpose="A probe of the analysis")
    _check_units(units)
    _check_pooling(model, options)
    classes = _classes(model, train)
    x_train, y_train = check_labelled("train", train, classes)
    x_test, y_test = check_labelled("test", test, classes)
    sources = {(unit, block): _source(model, unit, block) for unit in units for block in blocks}
    features = sorted({source.feature for source in sources.values()})
    scores, used = dict.fromkeys(features), 0
    if options.pooling == "trained":
        used = min(options.pooling_samples, len(y_train))
        chosen = subset(y_train, used, seed)
        few = x_train[chosen], y_train[chosen]
        scores = processes.divide(
            features, lambda names: trained_scores(model, names, *few, classes, batch_size)
        )
    weights = ["pooling_weights"] if options.pooling == "model" else []
    extractor = token_extractor(model, features + weights)
    widths = {feature: feature_width(model, feature) for feature in features}

    def pooled(x):
        found = in_parts(pool_by_feature, x, scores, widths)
        return {
            key: found[source.feature].reshape(len(x), *source.shape)
            for key, source in sources.items()
        }

    def in_parts(pool, x, *arguments):
        sharing = processes.for_samples(len(x))
        found = pool(extractor, x[sharing.part(len(x))], *arguments, batch_size)
        return {key: sharing.join(array, len(x)) for key, array in found.items()}

    return PooledFeatures(
        train=pooled(x_train),
        test=(
            in_parts(pool_by_unit, x_test, scores, sources)
            if options.recompute_pooling
            else pooled(x_test)
        ),
        scores={key: scores[source.feature] for key, source in sources.items()},
        y_train=y_train,
        y_test=y_test,
        classes=classes,
        options=options,
        pooling_samples=used,
    )


def _check_units(units):
    if isinstance(units, str) or not units or any(unit not in UNITS for unit in units):
        raise ValueError(
            f"`units` must be a sequence of any of {tuple(UNITS)}. Received: units={units!r}"
        )


def _check_pooling(model, options):
    if options.pooling == "model" and "pooling_weights" not in feature_names(model):
        raise ValueError(
            '`pooling="model"` needs a model that ends with sequence pooling. '
            f"Received: pooling='model', {model.name!r} with {model.config.token_pooling!r}"
        )


def _classes(model, train):
    """Returns the number of classes: that of the model, or of the labels without a classifier."""
    if model.config.include_top or not isinstance(train, tuple):
        return model.config.classes
    return int(np.max(train[1])) + 1


def _source(model, unit, block):
    kind, single = UNITS[unit]
    feature = f"{kind}{block:02d}"
    if single:
        return Source(feature, (feature_width(model, feature), 1))
    attention = model.get_layer(f"block{block:02d}").attention
    return Source(feature, (attention.num_heads, attention.head_dim))
