"""What an export is worth: its size, its operators, and how near it is to the Keras model."""

import dataclasses

import numpy as np

FLOAT_TOLERANCE = 1e-4  # largest difference from Keras that a float32 export may have


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
        top1_agreement: part of the images on which both name the same class, or None if
            no images were given.
        images: number of images compared.
        operators: count by operator (LiteRT only).
        partitions: number of delegate partitions (LiteRT only).
    """

    path: str
    format: str
    precision: str
    bytes: int
    max_difference: float
    top1_agreement: float | None
    images: int
    operators: dict[str, int] = dataclasses.field(default_factory=dict)
    partitions: int | None = None

    def __str__(self):
        parts = [
            f"{self.path}: {self.bytes / 1e6:.2f} MB",
            f"max difference from Keras {self.max_difference:.1e}",
        ]
        if self.top1_agreement is not None:
            parts.append(f"top-1 agreement {self.top1_agreement:.2%} on {self.images} images")
        if self.partitions is not None:
            count = sum(self.operators.values())
            noun = "partition" if self.partitions == 1 else "partitions"
            parts.append(f"{count} operators in {self.partitions} {noun}")
        return ", ".join(parts)


def comparison_images(model, images, count=16):
    """The caller's images as the model's float32 input; seeded noise where there are none."""
    shape = model.input_shape[1:]
    if images is None:
        top = 255 if model.config.include_preprocessing else 1
        return np.random.default_rng(0).uniform(0, top, (count, *shape)).astype("float32")
    images = np.asarray(images, dtype="float32")
    if images.shape[1:] != shape or not len(images):
        raise ValueError(
            f"`images` must be a batch of shape (n, {', '.join(map(str, shape))}), n at least 1. "
            f"Received: images.shape={images.shape}"
        )
    return images


def compare(model, run, images):
    """Fields of a report: the artifact's outputs, by `run`, against the model's.

    Args:
        model: the Keras model.
        run: the artifact as a function of a batch of images.
        images: the caller's images, or None.
    """
    x = comparison_images(model, images)
    expected = np.asarray(model.predict(x, batch_size=64, verbose=0), dtype="float32")
    got = np.asarray(run(x), dtype="float32")
    same = expected.reshape(len(x), -1).argmax(-1) == got.reshape(len(x), -1).argmax(-1)
    return {
        "max_difference": float(np.abs(expected - got).max()),  # NaN if any is
        "top1_agreement": None if images is None else float(same.mean()),
        "images": len(x),
    }


def require_parity(report):
    """Raises ExportError where a float export differs from Keras by more than 1e-4."""
    if not report.max_difference <= FLOAT_TOLERANCE:  # so written, NaN fails too
        raise ExportError(
            f"A {report.precision} export must stay within {FLOAT_TOLERANCE} of the Keras model. "
            f"Received: max_difference={report.max_difference:.3g} for {report.path}"
        )
