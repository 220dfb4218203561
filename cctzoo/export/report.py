"""The report of an export: its size, its operators, and its difference from the Keras model."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from cctzoo.export.custom import Exportable
from cctzoo.export.inputs import as_inputs, noise
from cctzoo.models.decisions import check_labels, decide, decision_kind
from cctzoo.models.pixel_values import pixels_are_checked, warn_of_wrong_range
from cctzoo.typing import Array

FLOAT_TOLERANCE = 1e-4  # of a float32 export, relative to the largest output if that is above 1
# Top-1, or cosine of the features, of the precisions other than float32. The trained models of
# the package have 98 % in `full_int8`, with 0.5 points less accuracy at most.
LEAST_AGREEMENT = dict.fromkeys(("float16", "dynamic_int8", "int8"), 0.98) | {"full_int8": 0.96}
FEW_SAMPLES = 10  # from here on, one sample may differ: it is more than 2 % of fewer than 50


class ExportError(RuntimeError):
    """The conversion failed, or its result is too far from the Keras model."""


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """An exported artifact, compared with its Keras model.

    Attributes:
        path: path of the artifact.
        format: `"litert"`, `"saved_model"`, `"onnx"` or `"openvino"`.
        precision: e.g. `"dynamic_int8"`.
        bytes: size on disk.
        max_difference: largest absolute difference from Keras' outputs.
        samples: number of samples compared.
        top1_agreement: share of the samples for which both predict the same class, or None if
            no samples were given or the model has no classifier. For a binary or a multi-label
            model, it is the share of the labels for which both are on the same side of the
            threshold.
        accuracy, keras_accuracy: share of the right classes, or of the right labels likewise, of
            the artifact and of the Keras model, or None if no labels were given.
        operators: count by operator (LiteRT, ONNX and OpenVINO).
        partitions: number of delegate partitions (LiteRT).
        decision: `"top1"`, `"threshold"` (binary and multi-label models), or None without a
            classifier.
        feature_similarity: mean over the samples of the cosine between the features of both, or
            None if the model has a classifier.
        max_output: largest absolute output of Keras.
        milliseconds: with `tune` of `to_litert`, the time of each candidate by the number of
            heads that it computes at a time ("2,8" if blocks differ). The artifact is the
            fastest one.
    """

    path: str
    format: str
    precision: str
    bytes: int
    max_difference: float
    samples: int
    top1_agreement: float | None = None
    accuracy: float | None = None
    keras_accuracy: float | None = None
    operators: dict[str, int] = dataclasses.field(default_factory=dict)
    partitions: int | None = None
    decision: str | None = "top1"
    feature_similarity: float | None = None
    max_output: float = 1.0
    milliseconds: dict[str, float] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        parts = [
            f"{self.path}: {self.precision}, {self.bytes / 1e6:.2f} MB",
            f"outputs differ from Keras' by at most {self.max_difference:.1e}",
        ]
        if self.max_output > 1:
            parts[-1] += f" (largest output: {self.max_output:.3g})"
        if self.top1_agreement is not None:
            name = "top-1 agreement" if self.decision == "top1" else "agreement of the labels"
            parts.append(f"{name} {self.top1_agreement:.2%} on {self.samples} samples")
        if self.feature_similarity is not None:
            parts.append(f"cosine similarity of the features {self.feature_similarity:.4f}")
        if self.accuracy is not None:
            parts.append(f"accuracy {self.accuracy:.2%} (Keras {self.keras_accuracy:.2%})")
        if self.operators:
            parts.append(f"{sum(self.operators.values())} operators")
        if self.partitions is not None:
            noun = "partition" if self.partitions == 1 else "partitions"
            parts.append(f"{self.partitions} {noun}")
        if self.milliseconds:
            heads = min(self.milliseconds, key=self.milliseconds.__getitem__)
            fastest, slowest = self.milliseconds[heads], max(self.milliseconds.values())
            parts.append(f"{heads} heads at a time: {fastest:.2f} ms (slowest: {slowest:.2f} ms)")
        return ", ".join(parts)


def check_samples(
    model: Exportable, samples: Any, labels: Any, batch: int = 1
) -> tuple[Array, Array | None]:
    """Returns (samples as the model's input, labels or None), before any long work.

    Without samples, returns at least 16 random inputs.

    Raises:
        ValueError: if the samples do not fit the model, or the labels the samples.
    """
    shape = tuple(model.input_shape[1:])
    if samples is None:
        if labels is not None:
            raise ValueError("`labels` need `samples`. Received: samples=None")
        return noise(model, batch * -(-16 // batch)), None
    samples = as_inputs(model, samples, "samples")
    warn_of_wrong_range(model.config, samples, stacklevel=4)  # names the line of the export
    if samples.shape[1:] != shape or not len(samples) or len(samples) % batch:
        raise ValueError(
            f"`samples` must be of shape (n, {', '.join(map(str, shape))}), with n a positive "
            f"multiple of {batch}. Received: samples.shape={samples.shape}"
        )
    if labels is not None:
        labels = check_labels(model.config, labels, len(samples))
    return samples, labels


def compare(
    model: Exportable,
    run: Callable[[Array], Array],
    samples: Array,
    labels: Array | None,
    real: bool,
) -> dict[str, Any]:
    """Compares the artifact's outputs with the model's. Returns fields of an `ExportReport`.

    Args:
        model: the Keras model.
        run: the artifact as a function of a batch of samples.
        samples, labels: as `check_samples` returns them.
        real: whether the caller gave the samples; agreement on random inputs has no meaning.
    """
    with pixels_are_checked():
        expected = np.asarray(model.predict(samples, batch_size=64, verbose=0), dtype="float32")
    got = np.asarray(run(samples), dtype="float32")
    kind = decision_kind(model.config)
    fields = {
        "max_difference": float(np.abs(expected - got).max()),  # NaN if any output is NaN
        "max_output": float(np.abs(expected).max()),
        "samples": len(samples),
        "decision": kind,
    }
    if kind is None:
        fields["feature_similarity"] = _mean_cosine(expected, got)
    if real and kind is not None:
        by_keras, decided = (decide(model.config, x) for x in (expected, got))
        fields["top1_agreement"] = float((decided == by_keras).mean())
        if labels is not None:
            fields["accuracy"] = float((decided == labels).mean())
            fields["keras_accuracy"] = float((by_keras == labels).mean())
    return fields


def require_parity(report: ExportReport, least_agreement: float | None = None) -> None:
    """Raises ExportError if the artifact is too far from the Keras model.

    One sample of at least 10 may differ, unless `least_agreement` is 1. For a model without a
    classifier, `least_agreement` is the least cosine similarity of the features.
    """
    if least_agreement is None:
        least_agreement = LEAST_AGREEMENT.get(report.precision, 1.0)
    least_similarity = least_agreement
    least_agreement = least_share(least_agreement, report.samples)
    tolerance = float_tolerance(report.max_output)
    if report.precision == "float32":
        if not report.max_difference <= tolerance:  # this form refuses NaN as well
            raise ExportError(
                f"A float32 export must stay within {tolerance:.3g} of the Keras model, "
                f"{FLOAT_TOLERANCE} times the largest output or 1. Received: "
                f"max_difference={report.max_difference:.3g}, max_output={report.max_output:.3g}, "
                f"path={report.path!r}"
            )
    elif not np.isfinite(report.max_difference):
        raise ExportError(
            "An export's outputs must be finite. "
            f"Received: max_difference={report.max_difference}, path={report.path!r}"
        )
    elif report.feature_similarity is not None and report.feature_similarity < least_similarity:
        raise ExportError(
            f"The features of a {report.precision} export must have a cosine similarity of at "
            f"least {least_similarity} to those of the Keras model; pass a lower "
            "`least_agreement` to accept less. Received: "
            f"feature_similarity={report.feature_similarity:.4f}, path={report.path!r}"
        )
    elif report.top1_agreement is not None and report.top1_agreement < least_agreement:
        what = "class" if report.decision == "top1" else "labels"
        raise ExportError(
            f"A {report.precision} export must predict the Keras model's {what} for at least "
            f"{least_agreement:.2%} of the samples; pass a lower `least_agreement` to accept "
            f"less. Received: top1_agreement={report.top1_agreement:.2%} on {report.samples} "
            f"samples, path={report.path!r}"
        )


def least_share(least_agreement: float, samples: int) -> float:
    """`least_agreement`, or less if one sample of at least 10 would be too many to differ."""
    if least_agreement < 1 and samples >= FEW_SAMPLES:
        return min(least_agreement, (samples - 1) / samples)
    return least_agreement


def float_tolerance(max_output: float) -> float:
    """The largest difference that rounding in float32 may cause in outputs of this size."""
    return FLOAT_TOLERANCE * max(1.0, max_output)


def _mean_cosine(expected, got):
    """The mean over the samples of the cosine between their flattened features."""
    expected, got = (x.reshape(len(x), -1).astype("float64") for x in (expected, got))
    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(got, axis=1)
    cosines = (expected * got).sum(axis=1) / np.maximum(norms, 1e-30)
    equal = (expected == got).all(axis=1)  # features that are all 0 have no direction
    return float(np.where(equal, 1, cosines).mean())
