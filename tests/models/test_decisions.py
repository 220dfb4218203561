"""From outputs to decisions, and the labels that they are compared with."""

import numpy as np
import pytest

from cctzoo.models.decisions import check_labels, decide, decision_kind, threshold_of
from tests.models.small import small_config, small_model

pytestmark = pytest.mark.one_backend("jax")  # NumPy


def config_of(classes, activation):
    return small_config(classes=classes, classifier_activation=activation)


@pytest.mark.parametrize(
    ("classes", "activation", "threshold"),
    [
        (1, "sigmoid", 0.5),
        (3, "sigmoid", 0.5),
        (1, None, 0.0),
        (3, None, None),
        (2, "softmax", None),
    ],
)
def test_the_activation_and_the_number_of_outputs_fix_the_decision(classes, activation, threshold):
    config = config_of(classes, activation)
    assert threshold_of(config) == threshold
    assert decision_kind(config) == ("top1" if threshold is None else "threshold")


def test_decisions():
    outputs = np.array([[0.2, 0.5, 0.9], [0.6, 0.51, 0.1]])
    assert decide(config_of(3, None), outputs).tolist() == [2, 0]
    assert decide(config_of(3, "sigmoid"), outputs).tolist() == [[0, 0, 1], [1, 1, 0]]
    assert decide(config_of(1, None), np.array([[-0.1], [0.2]])).tolist() == [[0], [1]]


def test_labels_take_the_shape_of_the_decisions():
    one, several = config_of(1, "sigmoid"), config_of(2, "sigmoid")
    for labels in ([0, 1, 1], [[0], [1], [1]], [0.0, 1.0, 1.0], np.array([False, True, True])):
        assert check_labels(one, labels, 3).tolist() == [[0], [1], [1]]
    assert check_labels(several, [[0, 1], [1, 1]], 2).tolist() == [[0, 1], [1, 1]]
    for labels in ([2, 0], [[2], [0]], np.array([2, 0], "uint8")):
        assert check_labels(config_of(3, None), labels, 2).tolist() == [2, 0]


@pytest.mark.parametrize(
    ("classes", "activation", "labels", "received"),
    [
        (1, "sigmoid", [0, 2], "labels from 0 to 2"),
        (1, "sigmoid", [0.3, 1], r"labels from 0\.3 to 1\.0"),
        (1, "sigmoid", [[0, 1], [1, 0]], r"shape \(2, 2\)"),
        (3, "sigmoid", [0, 2], r"each of the 3 outputs.* shape \(2,\)"),
        (3, None, [[0, 0, 1], [1, 0, 0]], r"not one-hot.* shape \(2, 3\)"),
        (3, "softmax", [0, 3], "one class from 0 to 2 .*labels from 0 to 3"),
        (3, "softmax", [0, -1], "labels from -1 to 0"),
        (3, "softmax", ["a", "b"], "labels of <U1"),
        (3, "softmax", [float("nan"), 1], "labels from nan"),
        (3, "softmax", [0, 1, 2], "3 labels, 2 samples"),
    ],
)
def test_unsuitable_labels_are_refused(classes, activation, labels, received):
    with pytest.raises(ValueError, match=f"`labels` must hold .*Received: .*{received}|{received}"):
        check_labels(config_of(classes, activation), labels, 2)


def test_a_model_without_a_classifier_has_no_decision():
    config = small_config(include_top=False)
    assert decision_kind(config) is None
    with pytest.raises(ValueError, match="`y` need a model with a classifier"):
        check_labels(config, [0, 1], 2, "y")


def test_softmax_of_one_output_is_refused():
    with pytest.raises(ValueError, match=r'"sigmoid".*None.*classes=1, .*=\'softmax\''):
        small_model(classes=1)
    small_config(classes=1, include_top=False)
