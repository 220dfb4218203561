"""Distillation: the outputs of trained models, the teachers, are targets of the training."""

from collections.abc import Sequence

import keras
from keras import ops

from cctzoo.messages import received, shown
from cctzoo.models import CCT, SoftCommittee
from cctzoo.training.recipe_checks import weights_of
from cctzoo.typing import Tensor
from cctzoo.weights import open_weights

LEAST = 1e-7  # probability whose logarithm is taken for smaller ones, as in Keras


class Teachers(keras.layers.Layer):
    """The logarithm of the mean probabilities of trained models, (B, classes) in float32.

    Args:
        models: the teachers, which take the samples of the student.
    """

    def __init__(self, models: Sequence[CCT | SoftCommittee]):
        super().__init__(autocast=False, name="teachers")
        self.models = list(models)
        self.trainable = False  # of the models, too
        self.built = True  # the models are

    def call(self, samples: Tensor) -> Tensor:
        total = 0.0
        for model in self.models:
            outputs = ops.cast(model(samples, training=False), "float32")
            softmax = model.config.classifier_activation == "softmax"
            total += outputs if softmax else ops.softmax(outputs)
        return ops.log(ops.maximum(ops.stop_gradient(total) / len(self.models), LEAST))


class DistillationLoss(keras.losses.Loss):
    """(1 - w) * cross-entropy of the labels + w * T^2 * KL(teachers || student).

    In the second term, the temperature T softens both. `y_pred` is (B, 2 * classes): the student's
    logits, and the output of `Teachers`.

    Args:
        classes: number of classes.
        weight: w, from 0 to 1.
        temperature: T, positive.
        label_smoothing: of the labels.

    Reference: Hinton et al., arXiv 1503.02531.
    """

    def __init__(self, classes: int, weight: float, temperature: float, label_smoothing: float):
        super().__init__(name="distillation")
        self.classes, self.weight, self.temperature = classes, weight, temperature
        self.label_smoothing = label_smoothing

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y_pred = ops.cast(y_pred, "float32")
        logits, taught = y_pred[:, : self.classes], y_pred[:, self.classes :]
        labels = keras.losses.categorical_crossentropy(
            y_true, logits, from_logits=True, label_smoothing=self.label_smoothing
        )
        if y_pred.shape[-1] == self.classes:  # of a model that does not train
            return labels
        student, teachers = (ops.log_softmax(x / self.temperature) for x in (logits, taught))
        divergence = ops.sum(ops.exp(teachers) * (teachers - student), axis=-1)
        return (1 - self.weight) * labels + self.weight * self.temperature**2 * divergence


class StudentAccuracy(keras.metrics.MeanMetricWrapper):
    """The accuracy of the student's half of `y_pred`, under the name `accuracy`."""

    def __init__(self, classes: int):
        def accuracy(y_true, y_pred):
            return keras.metrics.categorical_accuracy(y_true, y_pred[:, :classes])

        super().__init__(accuracy, name="accuracy")


def open_teachers(sources: Sequence[str], student: CCT) -> Teachers:
    """Loads trained models that take the samples of a student.

    Args:
        sources: as `Recipe.teacher`.
        student: the model that learns.

    Raises:
        ValueError: if a model cannot be loaded, or differs from the student in its samples or
            its classes.
    """
    models = []
    for source in sources:
        with open_weights(weights_of(source)) as weights:
            teacher = weights.build(dtype=student.dtype_policy.name)
        check_teacher(teacher, student, source)
        models.append(teacher)
    return Teachers(models)


def check_teacher(teacher: CCT | SoftCommittee, student: CCT, source: str) -> None:
    """Raises ValueError unless a teacher takes the student's samples and knows its classes."""
    own, other = teacher.config, student.config
    rules = {"kind": "be for the same kind of data", "input_shape": "take the same input shape"}
    rules["classes"] = "have the same number of classes"
    if own.kind == other.kind == "images":
        rules["include_preprocessing"] = "take the same pixel values"
    for name, rule in rules.items():
        if getattr(own, name) != getattr(other, name):
            raise ValueError(
                f"A teacher must {rule} as the student. Received: {name}={getattr(own, name)!r} of "
                f"teacher={source!r}, {name}={getattr(other, name)!r} of the student"
            )
    if not own.include_top or own.classifier_activation == "sigmoid":
        raise ValueError(
            "A teacher must have a classifier of classes that exclude each other. Received: "
            f"teacher={source!r} with include_top={own.include_top}, "
            f"classifier_activation={own.classifier_activation!r}"
        )
    if own.class_names and other.class_names and own.class_names != other.class_names:
        raise ValueError(
            "A teacher must have the classes of the student in the same order. Received: "
            f"{shown(own.class_names)} of teacher={source!r}, {shown(other.class_names)} of the "
            "student"
        )
    if own.kind == "texts" and own.vocabulary != other.vocabulary:
        raise ValueError(
            "A teacher must have the vocabulary of the student: start the student from it, or "
            f"train both on the same texts. {received(teacher=source)}, with another vocabulary"
        )
