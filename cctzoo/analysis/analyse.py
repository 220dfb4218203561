"""The complete analysis of the heads of a model, in one call."""

import logging
from collections.abc import Sequence

import keras
import numpy as np

from cctzoo.analysis.answers import collect_samples
from cctzoo.analysis.attention_maps import attention_distance, attention_entropy
from cctzoo.analysis.checks import (
    Labelled,
    check_classifier,
    check_labelled,
    encoder_blocks,
)
from cctzoo.analysis.heads import (
    HeadScores,
    accuracy_by_kept_heads,
    head_ablation,
    head_importance,
    rank_heads,
)
from cctzoo.analysis.heads.masking import halved_counts
from cctzoo.analysis.recognition import ProbeOptions, measure, pool_features
from cctzoo.analysis.report import HeadReport
from cctzoo.analysis.roles import attention_rank, class_directions, head_offsets
from cctzoo.arguments import checked_arguments
from cctzoo.data.samples import Samples
from cctzoo.data.splits import subset
from cctzoo.models import CCT
from cctzoo.training.processes import ALONE, Processes
from cctzoo.typing import Array

RANK_SAMPLES = 20  # each takes a singular value decomposition per head
REPORTED_UNITS = ("head", "attention_node", "mlp_node")

logger = logging.getLogger(__name__)


@checked_arguments
def analyse_heads(
    model: CCT,
    train: Labelled,
    test: Labelled,
    classes: Sequence[str] | None = None,
    options: ProbeOptions | None = None,
    *,
    ablation_samples: int = 200,
    importance_samples: int = 500,
    attention_samples: int = 100,
    shown_samples: int = 200,
    seed: int = 0,
    processes: Processes = ALONE,
) -> HeadReport:
    """Analyses what the heads of a model have learned, and which heads matter.

    Single-head and single-nodal performance are measured for the model and for a control
    model of the same config with fresh weights. The report adds importance, ablation, accuracy
    with fewer heads, attention, and the roles of the heads.

    To draw the fresh weights, this function calls `keras.utils.set_random_seed(seed)`. It
    therefore reseeds Python's, NumPy's and the backend's global generators in your process.

    Args:
        model: a `CCT` with its classifier.
        train, test: (images, labels); for a text model with a vocabulary (texts, labels),
            where texts is an array of str.
        classes: names of the classes. Default: their numbers.
        options: options of the probes. Default: `ProbeOptions()`.
        ablation_samples: number of training samples for the ablation, which takes one pass
            over them for every head; 0 skips the ablation.
        importance_samples: number of training samples for the importance by gradient, and,
            in equal numbers from each class, for class directions.
        attention_samples: number of test samples for distance, entropy and offsets; up to
            20 of them for the rank of the attention.
        shown_samples: number of test samples that the report shows, and from which it picks
            those that each head answers to most.
        seed: seed of the samples, which are drawn evenly from the classes, of the fresh
            weights and of the random ranking.
        processes: the processes that divide the work, e.g. `training.join_processes()`. All of
            them call this function with the same model and data, and get the same report up to
            rounding.

    Raises:
        ValueError: if the model has no classifier, if a text model has no vocabulary, or if
            data or names do not fit the model.
    """
    check_classifier(model)
    names = _class_names(classes or model.config.class_names, model.config.classes)
    x_train, y_train = check_labelled("train", train, model.config.classes)
    x_test, y_test = check_labelled("test", test, model.config.classes)
    if shown_samples < 1:
        raise ValueError(
            f"`shown_samples` must be at least 1. Received: shown_samples={shown_samples}"
        )
    shown = _drawn_evenly(y_test, shown_samples, seed)
    shown = np.random.default_rng(seed).permutation(shown)  # they are ordered by place
    texts = [x_test[i] for i in shown] if model.config.kind == "texts" else None
    if texts is not None:
        x_train, x_test = model.vocabulary(x_train), model.vocabulary(x_test)
    train, test = (x_train, y_train), (x_test, y_test)

    heads = sum(model.config.block_heads)
    logger.info("analysis: performance of single heads and nodes (%d heads)", heads)
    features, performances = _performances(model, train, test, options, seed, processes)
    logger.info("analysis: the same for random weights")
    fresh = _fresh_model(model, seed)
    fresh_features, control = _performances(fresh, train, test, options, seed, processes)
    logger.info("analysis: answers and attention of the heads on %d samples", len(shown))
    samples = collect_samples(
        (model, fresh),
        (performances["head"], control["head"]),
        (features, fresh_features),
        x_test,
        shown,
        texts,
    )
    del features, fresh_features  # which may be large
    by_ablation = " and by ablation" if ablation_samples else ""
    logger.info("analysis: importance of the heads by gradient%s", by_ablation)
    importance, ablation = _scores(
        model, train, importance_samples, ablation_samples, seed, processes
    )
    logger.info("analysis: roles of the heads")
    looked_at = x_test[_drawn_evenly(y_test, attention_samples, seed)]
    ranked = min(RANK_SAMPLES, attention_samples)
    x_own, y_own = _some_of_each(train, importance_samples, seed)
    directions = class_directions(model, x_own, y_own)
    rankings = {"by importance": rank_heads(importance)}
    if ablation is not None:
        rankings["by ablation"] = rank_heads(ablation)
    rankings["by labels (SHP)"] = rank_heads(performances["head"])
    rankings["random order"] = _random_ranking(model, seed)
    logger.info("analysis: accuracy with fewer heads, %d orders", len(rankings))
    kept = _accuracies(model, rankings, test, processes)
    return HeadReport(
        name=model.name,
        accuracy=kept["random order"][max(model.config.block_heads)],  # all heads are kept
        performances=performances,
        control=control,
        importance=importance,
        ablation=ablation,
        attention=_attention(model, looked_at),
        rank=attention_rank(model, x_test[_drawn_evenly(y_test, ranked, seed)]),
        offsets=head_offsets(model, looked_at),
        directions=directions,
        kept=kept,
        classes=names,
        samples=samples,
    )


def _class_names(classes, count):
    if classes is None:
        return [str(label) for label in range(count)]
    if len(classes) != count:
        raise ValueError(
            "`classes` must name every class of the model. "
            f"Received: {len(classes)} names, classes={count}"
        )
    return list(classes)


def _performances(model, train, test, options, seed, processes):
    features = pool_features(
        model, train, test, None, REPORTED_UNITS, options, seed=seed, processes=processes
    )
    return features, {unit: measure(features, unit, processes=processes) for unit in REPORTED_UNITS}


def _fresh_model(model, seed):
    keras.utils.set_random_seed(seed)
    return CCT(model.config, name=model.name, dtype=model.dtype_policy)


def _scores(model, train, importance_samples, ablation_samples, seed, processes):
    """Returns the importance of the heads, and their ablation or None."""

    def drawn(count):
        x, y = train
        chosen = _drawn_evenly(y, count, seed)
        return x[chosen], y[chosen]

    importance = head_importance(
        model, *drawn(importance_samples), batch_size=8, processes=processes
    )
    if not ablation_samples:
        return importance, None
    return importance, head_ablation(model, *drawn(ablation_samples), processes=processes)


def _accuracies(model, rankings, test, processes):
    """Returns the accuracy by number of heads for each ranking; with all heads, it is the same."""
    every, *fewer = halved_counts(model)

    def measured(ranking, counts):
        return accuracy_by_kept_heads(model, ranking, *test, counts, processes=processes)

    whole = measured({}, [every])
    return {name: whole | measured(ranking, fewer) for name, ranking in rankings.items()}


def _attention(model: CCT, samples: Samples) -> HeadScores:
    distance, entropy = attention_distance(model, samples), attention_entropy(model, samples)
    return HeadScores(distance.figures | entropy.figures)


def _drawn_evenly(y: Array, count: int, seed: int) -> Array:
    return subset(y, min(count, len(y)), seed)


def _some_of_each(part, count, seed):
    """Returns about `count` samples with their labels, as many of each class as there are."""
    x, y = part
    rng, classes = np.random.default_rng(seed), np.unique(y)
    each = -(-count // len(classes))
    chosen = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:each] for c in classes])
    return x[chosen], y[chosen]


def _random_ranking(model, seed):
    rng = np.random.default_rng(seed)
    return {
        block: rng.permutation(heads)
        for block, heads in zip(encoder_blocks(model), model.config.block_heads, strict=True)
    }
