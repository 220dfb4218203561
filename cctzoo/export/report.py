"""What an export is worth: its size, its operators, and how near it is to the Keras model."""

import dataclasses

import numpy as np

from cctzoo.export.inputs import as_inputs, noise

FLOAT_TOLERANCE = 1e-4  # largest difference from Keras that a float32 export may have
LEAST_AGREEMENT = 0.98  # top-1, of the other precisions: they may lose 2 points


class ExportError(RuntimeError):
    """An artifact that was made but does not hold what it has to."""


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """One exported artifact, compared with the Keras model that it came from.

    Attributes:
        path: of the artifact.
        format, precision: e.g. `"litert"`, `"dynamic_int8"`.
        bytes: size on disk.
        max_difference: largest absolute difference from Keras' outputs.
        samples: number of images or texts compared.
        top1_agreement: part of them on which both name the same class, or None if no samples
            were given.
        accuracy, keras_accuracy: top-1 of the artifact and of the Keras model, or None if
            no labels were given.
        operators: count by operator (LiteRT, ONNX and OpenVINO).
        partitions: number of delegate partitions (LiteRT).
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

    def __str__(self):
        parts = [
            f"{self.path}: {self.precision}, {self.bytes / 1e6:.2f} MB",
            f"max difference from Keras {self.max_difference:.1e}",
        ]
        if self.top1_agreement is not None:
            parts.append(f"top-1 agreement {self.top1_agreement:.2%} on {self.samples} samples")
        if self.accuracy is not None:
            parts.append(f"accuracy {self.accuracy:.2%} (Keras {self.keras_accuracy:.2%})")
        if self.operators:
            parts.append(f"{sum(self.operators.values())} operators")
        if self.partitions is not None:
            noun = "partition" if self.partitions == 1 else "partitions"
            parts.append(f"{self.partitions} {noun}")
        return ", ".join(parts)


def check_samples(model, samples, labels, batch=1):
    """(samples as the model's input, labels or None), before any long work.

    Without samples: 16 or so of seeded noise.
    """
    shape = tuple(model.input_shape[1:])
    if samples is None:
        if labels is not None:
            raise ValueError("`labels` need `samples`. Received: samples=None")
        return noise(model, batch * -(-16 // batch)), None
    samples = as_inputs(model, samples, "samples")
    if samples.shape[1:] != shape or not len(samples) or len(samples) % batch:
        wanted = f"(n, {', '.join(map(str, shape))}), n a multiple of {batch}"
        raise ValueError(
            f"`samples` must be of shape {wanted}, and n above 0. "
            f"Received: samples.shape={samples.shape}"
        )
    if labels is not None:
        labels = np.asarray(labels).reshape(-1)
        if len(labels) != len(samples):
            raise ValueError(
                "There must be one label for each sample. "
                f"Received: {len(labels)} labels, {len(samples)} samples"
            )
    return samples, labels


def compare(model, run, samples, labels, real):
    """Fields of a report: the artifact's outputs, by `run`, against the model's.

    Args:
        model: the Keras model.
        run: the artifact as a function of a batch of samples.
        samples, labels: as `check_samples` gives them.
        real: whether the samples are the caller's; agreement on noise says nothing.
    """
    expected = np.asarray(model.predict(samples, batch_size=64, verbose=0), dtype="float32")
    got = np.asarray(run(samples), dtype="float32")
    fields = {
        "max_difference": float(np.abs(expected - got).max()),  # NaN if any is
        "samples": len(samples),
    }
    if real:
        keras_classes, classes = (x.reshape(len(x), -1).argmax(-1) for x in (expected, got))
        fields["top1_agreement"] = float((classes == keras_classes).mean())
        if labels is not None:
            fields["accuracy"] = float((classes == labels).mean())
            fields["keras_accuracy"] = float((keras_classes == labels).mean())
    return fields


def require_parity(report, least_agreement=LEAST_AGREEMENT):
    """Raises ExportError for an artifact that is too far from the Keras model."""
    if report.precision == "float32":
        if not report.max_difference <= FLOAT_TOLERANCE:  # so written, NaN fails too
            raise ExportError(
                f"A float32 export must stay within {FLOAT_TOLERANCE} of the Keras model. "
                f"Received: max_difference={report.max_difference:.3g} for {report.path}"
            )
    elif not np.isfinite(report.max_difference):
        raise ExportError(
            "An export's outputs must be finite. "
            f"Received: max_difference={report.max_difference} for {report.path}"
        )
    elif report.top1_agreement is not None and report.top1_agreement < least_agreement:
        raise ExportError(
            f"A {report.precision} export must name the Keras model's class on at least "
            f"{least_agreement:.2%} of the samples; pass a lower `least_agreement` to accept "
            f"less. Received: top1_agreement={report.top1_agreement:.2%} on {report.samples} "
            f"samples for {report.path}"
        )
