"""Everything that the analysis says about a model, gathered in one call."""

import keras
import numpy as np

from cctzoo.analysis.attention_maps import (
    attention_distance,
    attention_entropy,
    attention_rollout,
)
from cctzoo.analysis.gates import check_classifier
from cctzoo.analysis.head_scores import HeadScores, rank_heads
from cctzoo.analysis.importance import head_ablation, head_importance
from cctzoo.analysis.labelled import check_labelled, encoder_blocks
from cctzoo.analysis.masking import accuracy_by_kept_heads
from cctzoo.analysis.recognition.performance import measure
from cctzoo.analysis.recognition.pooled_features import pool_features
from cctzoo.analysis.report.report import HeadReport
from cctzoo.analysis.words import word_saliency
from cctzoo.data import take
from cctzoo.data.splits import subset
from cctzoo.models import CCT

UNITS = ("head", "attention_node", "mlp_node")


def analyse_heads(
    model,
    train,
    test,
    classes=None,
    *,
    ablation_images=200,
    importance_images=500,
    attention_images=100,
    rollout_images=12,
    seed=0,
    **options,
):
    """Everything at once: SHP and SNP beside fresh weights, importance, ablation, attention.

    Args:
        model: a `CCT` with its classifier.
        train, test: (images, labels); of a model with a vocabulary (texts, labels), an array
            of str.
        classes: names of the classes; numbers if not given.
        ablation_images, importance_images: training samples, drawn evenly from the classes;
            ablation takes a pass for every head, and 0 leaves it out.
        attention_images, rollout_images: test samples.
        seed: of the draws, and of the fresh weights.
        options: of `single_head_performance`.

    Returns:
        A `HeadReport`.

    Raises:
        ValueError: for a model without a classifier, a model for texts without a vocabulary,
            or data and names that do not fit it.
    """
    check_classifier(model)
    count = model.config.classes
    if classes is not None and len(classes) != count:
        raise ValueError(
            f"`classes` must name each class. Received: {len(classes)} names, classes={count}"
        )
    (x_train, y_train), (x_test, y_test) = (
        check_labelled("train", train, count),
        check_labelled("test", test, count),
    )
    texts = x_test if model.config.kind == "texts" else None
    if texts is not None:
        x_train, x_test = model.vocabulary(x_train), model.vocabulary(x_test)
        train, test = (x_train, y_train), (x_test, y_test)
    performances = _performances(model, train, test, options, seed)
    keras.utils.set_random_seed(seed)
    fresh = CCT(model.config, name=model.name, dtype=model.dtype_policy)
    control = _performances(fresh, train, test, options, seed)
    del fresh

    few = _drawn_evenly(y_train, importance_images, seed)
    importance = head_importance(model, x_train[few], y_train[few], batch_size=8)
    rankings = {
        "by importance": rank_heads(importance),
        "by labels (SHP)": rank_heads(performances["head"]),
        "random order": _random_ranking(model, seed),
    }
    ablation = None
    if ablation_images:
        few = _drawn_evenly(y_train, ablation_images, seed)
        ablation = head_ablation(model, x_train[few], y_train[few])
        rankings["by ablation"] = rank_heads(ablation)
    kept = {
        name: accuracy_by_kept_heads(model, ranking, x_test, y_test)
        for name, ranking in rankings.items()
    }
    few = _drawn_evenly(y_test, attention_images, seed)
    distance = attention_distance(model, x_test[few])
    entropy = attention_entropy(model, x_test[few])
    few = _drawn_evenly(y_test, rollout_images, seed)
    if texts is None:
        images = take(x_test, few)
        shown = {"images": images, "maps": attention_rollout(model, images)}
    else:
        shown = {"saliency": word_saliency(model, [texts[i] for i in few])}
    names = [str(label) for label in range(count)] if classes is None else list(classes)
    return HeadReport(
        name=model.name,
        accuracy=next(iter(kept["random order"].values())),  # all heads kept
        performances=performances,
        control=control,
        importance=importance,
        ablation=ablation,
        attention=HeadScores(distance.figures | entropy.figures),
        kept=kept,
        labels=[names[label] for label in y_test[few]],
        classes=names,
        **shown,
    )


def _performances(model, train, test, options, seed):
    measuring = ("threshold", "least_evidence", "bias", "l2")
    gathering = {name: value for name, value in options.items() if name not in measuring}
    features = pool_features(model, train, test, units=UNITS, seed=seed, **gathering)
    chosen = {name: options[name] for name in measuring if name in options}
    return {unit: measure(features, unit, **chosen) for unit in UNITS}


def _drawn_evenly(y, count, seed):
    return subset(y, min(count, len(y)), seed)


def _random_ranking(model, seed):
    rng = np.random.default_rng(seed)
    return {
        block: rng.permutation(heads)
        for block, heads in zip(encoder_blocks(model), model.config.block_heads, strict=True)
    }
