"""The analysis of heads refuses binary and multi-label models before any work."""

import numpy as np
import pytest

from cctzoo import analysis
from cctzoo.analysis import analyse_heads
from tests.models.small import images, small_model

pytestmark = pytest.mark.one_backend("torch")


@pytest.mark.parametrize(("classes", "activation"), [(1, "sigmoid"), (1, None), (3, "sigmoid")])
def test_models_without_exclusive_classes_are_refused(classes, activation):
    model = small_model(classes=classes, classifier_activation=activation)
    x, y = images(model, 6), np.arange(6) % 2
    ranking = {0: [0, 1, 2], 1: [0, 1, 2]}
    calls = [
        lambda: analyse_heads(model, (x, y), (x, y)),
        lambda: analysis.head_importance(model, x, y),
        lambda: analysis.head_ablation(model, x, y),
        lambda: analysis.accuracy_by_kept_heads(model, ranking, x, y),
        lambda: analysis.single_head_performance(model, (x, y), (x, y)),
        lambda: analysis.single_nodal_performance(model, (x, y), (x, y)),
    ]
    for call in calls:
        with pytest.raises(
            ValueError, match=f"classifier_activation={activation!r}, classes={classes}"
        ):
            call()
