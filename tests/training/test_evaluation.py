"""Figures of an evaluation, checked on a table that is counted by hand."""

import keras
import numpy as np
import pytest

from cctzoo import training
from cctzoo.models import text_cct_2_k2
from cctzoo.training import evaluation, plots
from tests.models.small import small_config

pytestmark = pytest.mark.one_backend("jax")  # NumPy

CLASSES = [*"abcdefg"]
LABELS = np.array([0, 0, 1, 2, 6])


def logits_for(order):
    """Returns logits whose rows rank the classes in the given order."""
    rows = np.zeros((len(order), 7), "float32")
    for row, places in zip(rows, order, strict=True):
        row[list(places)] = np.arange(7, 0, -1)
    return rows


LOGITS = logits_for(
    [
        (0, 1, 2, 3, 4, 5, 6),  # right
        (1, 0, 2, 3, 4, 5, 6),  # second
        (1, 0, 2, 3, 4, 5, 6),  # right
        (0, 1, 3, 4, 5, 6, 2),  # last
        (0, 1, 2, 3, 6, 4, 5),  # fifth
    ]
)


def test_figures():
    found = evaluation.figures(LOGITS, LABELS, small_config(classes=7, classifier_activation=None))
    assert found["accuracy"] == 2 / 5
    assert found["mean_class_accuracy"] == pytest.approx((1 / 2 + 1 + 0 + 0) / 4)
    assert found["top5_accuracy"] == 4 / 5
    sums = np.log(np.exp(np.arange(1, 8)).sum())
    assert found["loss"] == pytest.approx(sums - (7 + 6 + 7 + 1 + 3) / 5, rel=1e-5)
    five = small_config(classes=5, classifier_activation=None)
    assert "top5_accuracy" not in evaluation.figures(LOGITS[:, :5], LABELS % 5, five)


class Outputs(keras.Model):
    """A model whose outputs are its inputs."""

    def __init__(self, classes, activation):
        super().__init__()
        self.config = small_config(classes=classes, classifier_activation=activation)
        self.input_shape = (None, classes)

    def predict(self, x, batch_size, verbose):
        return x


def test_softmax_and_its_logits_have_the_same_figures():
    exponentials = np.exp(LOGITS)
    found = training.evaluate(
        Outputs(7, "softmax"), exponentials / exponentials.sum(1, keepdims=True), LABELS
    )
    assert found == pytest.approx(training.evaluate(Outputs(7, None), LOGITS, LABELS), rel=1e-5)


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_binary_model(shape):
    """Keras' own figures; three of four zeros and the single one are right."""
    logits = np.array([[-2.0], [-1.0], [0.5], [-0.1], [3.0]], "float32")
    y = np.array([0, 0, 0, 0, 1]).reshape(shape)
    probabilities = 1 / (1 + np.exp(-logits))
    expected = {
        "accuracy": 4 / 5,
        "mean_class_accuracy": (3 / 4 + 1) / 2,
        "loss": float(keras.losses.BinaryCrossentropy()(y.reshape(5, 1), probabilities)),
    }
    for activation, outputs in {"sigmoid": probabilities, None: logits}.items():
        found = training.evaluate(Outputs(1, activation), outputs, y)
        assert found == pytest.approx(expected, rel=1e-5)


def test_multi_label_model():
    """The second label has no sample of 1: the mean leaves this side out."""
    outputs = np.array([[0.9, 0.2], [0.4, 0.7], [0.1, 0.1], [0.2, 0.3]], "float32")
    y = np.array([[1, 0], [1, 0], [0, 0], [0, 0]])
    found = training.evaluate(Outputs(2, "sigmoid"), outputs, y)
    assert found["accuracy"] == 6 / 8
    assert found["mean_class_accuracy"] == pytest.approx((1 / 2 + 1 + 3 / 4) / 3)
    loss = keras.losses.BinaryCrossentropy()(y, outputs)
    assert found["loss"] == pytest.approx(float(loss), rel=1e-5)


def test_evaluation_refuses_unsuitable_data():
    with pytest.raises(ValueError, match=r"`y` must hold .*y of int64, shape \(5, 2\)"):
        training.evaluate(Outputs(7, None), LOGITS, np.zeros((5, 2), int))
    with pytest.raises(ValueError, match="at least one sample"):
        training.evaluate(Outputs(7, None), LOGITS[:0], LABELS[:0])


def test_confusion_and_class_accuracies():
    matrix = evaluation.confusion(LOGITS, LABELS)
    assert matrix.shape == (7, 7)
    assert matrix[0].tolist() == [1, 1, 0, 0, 0, 0, 0]
    assert matrix[2, 0] == matrix[6, 0] == 1
    accuracies = evaluation.class_accuracies(matrix, CLASSES)
    assert accuracies == {"a": 0.5, "b": 1, "c": 0, "d": None, "e": None, "f": None, "g": 0}


@pytest.mark.parametrize("count", [2, 30, 120])
def test_confusion_plot_of_any_size(count, tmp_path):
    matrix = np.random.default_rng(0).integers(0, 9, (count, count))
    plots.plot_confusion(matrix, [f"class {i}" for i in range(count)], tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("count", [1, 5, 8, 11])
def test_prediction_returns_each_sample_once_from_full_batches(count):
    """The pixels of each image are its number."""

    class Echo(keras.Model):
        input_shape = (None, 2, 2, 3)

        def predict(self, images, batch_size, verbose):
            assert len(images) % batch_size == 0
            return images.reshape(len(images), -1)[:, :2]

    x = np.arange(count).repeat(12).reshape(count, 2, 2, 3)
    logits = evaluation.predict(Echo(), x, 4)
    np.testing.assert_array_equal(logits[:, 0], np.arange(count))
    assert logits.dtype == np.float32


def test_mirrored_outputs_are_means_over_each_image_and_its_mirror_image():
    class Corner(keras.Model):
        """The outputs are the pixels of the first row, of the first channel."""

        config = small_config()
        input_shape = (None, 2, 3, 3)

        def predict(self, images, batch_size, verbose):
            assert images.flags.c_contiguous
            return images[:, 0, :, 0]

    x = np.random.default_rng(0).integers(0, 256, (5, 2, 3, 3), dtype="uint8").astype("float32")
    expected = (x[:, 0, :, 0] + x[:, 0, ::-1, 0]) / 2
    np.testing.assert_allclose(training.predict(Corner(), x, 2, mirrored=True), expected)
    labels = np.array([0, 1, 2, 1, 0])
    found = training.evaluate(Corner(), x, labels, mirrored=True)
    assert found["accuracy"] == (expected.argmax(axis=1) == labels).mean()


def test_texts_cannot_be_mirrored():
    model = text_cct_2_k2(length=8, vocabulary_size=20)
    with pytest.raises(ValueError, match=r"Only images can be mirrored\. Received: mirrored=True"):
        training.predict(model, np.zeros((3, 8), "int32"), mirrored=True)
