"""Predictions and analyses whose results must not depend on processes and devices."""

import numpy as np

from cctzoo import analysis
from cctzoo.models import text_cct
from cctzoo.training.prediction import predict_in_parts
from cctzoo.training.processes import ALONE, Processes
from tests.models.small import small_model

CLASSES = 3
SAMPLES = 7  # two processes or devices do not have equally many
LABELS = np.arange(SAMPLES) % CLASSES
# With few samples and a small penalty, a fit would enlarge rounding errors a thousandfold.
MEAN = analysis.ProbeOptions(pooling="mean", l2=0.1)


def image_model():
    """Returns a model and its samples."""
    model = with_fixed_weights(small_model(classes=CLASSES, depth=1))
    shape = (SAMPLES, *model.config.input_shape)
    return model, np.random.default_rng(0).integers(0, 256, shape, "uint8")


def text_model():
    """Returns a model and its samples; 0 is padding."""
    model = text_cct(classes=CLASSES, depth=1, embed_dim=8, word_dim=5, heads=2, length=6)
    ids = np.random.default_rng(0).integers(0, 9, (SAMPLES, 6), "int32")
    return with_fixed_weights(model), np.sort(ids)[:, ::-1]


def with_fixed_weights(model):
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.3, each.shape) for each in model.get_weights()])
    return model


def predictions(model, x, processes: Processes = ALONE) -> dict[str, np.ndarray]:
    """Returns outputs, and what the analysis reads from predictions."""
    sharing = {"batch_size": 3, "processes": processes}
    part = x, LABELS
    features = analysis.pool_features(model, part, part, options=MEAN, **sharing)
    heads = analysis.measure(features, "head", processes=processes)[0]
    kept = analysis.accuracy_by_kept_heads(model, {}, *part, **sharing)
    return {
        "outputs": predict_in_parts(model, x, 3, processes),
        "outputs for one sample": predict_in_parts(model, x[:1], 3, processes),
        "features": features.test["head", 0],
        "fields": heads.fields,
        "kept": np.array(list(kept.values())),
    }


def results(model, x, processes: Processes = ALONE) -> dict[str, np.ndarray]:
    """Returns `predictions`, trained pooling and the scores of heads."""
    sharing = {"batch_size": 3, "processes": processes}
    part = x, LABELS
    features = analysis.pool_features(model, part, part, units=("head", "mlp_node"), **sharing)
    return predictions(model, x, processes) | {
        "score": features.scores["head", 0],
        "score of the MLP": features.scores["mlp_node", 0],
        "importance": analysis.head_importance(model, *part, **sharing)["importance"][0],
        "divergence": analysis.head_ablation(model, *part, **sharing)["divergence"][0],
    }
