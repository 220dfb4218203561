"""Export to the SavedModel format of TensorFlow."""

import reprlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.export import artifact
from cctzoo.export.convert import convert, in_float32
from cctzoo.export.report import (
    ExportError,
    ExportReport,
    check_samples,
    compare,
    float_tolerance,
    require_parity,
)
from cctzoo.formats.atomic import atomic_folder
from cctzoo.models import Vocabulary
from cctzoo.runtimes import SavedModelRunner
from cctzoo.typing import PathLike

# Hard cases for a tokeniser: no words, NUL, emoji, final sigma, right to left, no spaces.
TEXTS = ("", " \t\n", "A\0b. C", "so😀😀GOOD ❤\ufe0f", "ΟΔΟΣ Σ", "שלום, עולם! مرحبا؟", "猫が好き。")


@checked_arguments
def to_saved_model(
    model: keras.Model,
    path: PathLike,
    samples: Any = None,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
) -> ExportReport:
    """Writes a model as a SavedModel, runs it, and compares it with Keras.

    The batch size is dynamic. Signatures for image models: `serving_default` takes uint8 and
    `serve` float32 images; without preprocessing in the model, both take float32. Signatures for
    text models with a vocabulary: `serving_default` takes strings (B,), `ids` returns their
    token ids, and `serve` takes int32 ids; without a vocabulary, `serving_default` and `serve`
    take ids. The class names, the preprocessing and view or the vocabulary, and the report
    are stored in `assets.extra/cctzoo.json`. The folder appears only if all checks pass.

    Args:
        model: a `CCT` or a `SoftCommittee`, on any backend; or a functional Keras model with one
            input and one output that holds one, e.g. with a head of its own, or its layers.
        path: path of the folder; an existing SavedModel is replaced.
        samples, labels, class_names: as in `to_litert`.

    Raises:
        ValueError: if an argument is invalid, or `path` exists and is not a SavedModel.
        PermissionError: if the folder is not writable.
        ExportError: if the conversion fails, an output is further from Keras' than rounding
            explains, or the graph's ids of a text differ from those of the model's `Vocabulary`.
    """
    path = Path(path)
    if not path.parent.is_dir() or (path.exists() and not (path / "saved_model.pb").is_file()):
        raise ValueError(
            "`path` must be new or a SavedModel, in an existing folder. "
            f"Received: path={str(path)!r}"
        )
    artifact.check_writable(path.parent)
    model = in_float32(model)
    metadata = artifact.metadata(model, class_names)
    x, y = check_samples(model, samples, labels)
    with atomic_folder(path) as draft:
        convert(model, draft, "saved_model")
        run = SavedModelRunner(draft)
        if model.config.kind == "texts" and model.config.vocabulary is not None:
            require_same_ids(run, model.vocabulary)
        report = ExportReport(
            path=str(path),
            format="saved_model",
            precision="float32",
            bytes=sum(file.stat().st_size for file in draft.rglob("*") if file.is_file()),
            **compare(model, run, x, y, real=samples is not None),
        )
        require_parity(report)
        extra = draft / "assets.extra"
        extra.mkdir()
        artifact.write_metadata(extra / "cctzoo.json", metadata, report)
    return report


def require_same_ids(run: SavedModelRunner, vocabulary: Vocabulary) -> None:
    """Raises ExportError unless the graph and the vocabulary turn texts into the same ids.

    Args:
        run: the SavedModel.
        vocabulary: the model's vocabulary; each of its words is tried, and hard cases.
    """
    words, length = vocabulary.words, vocabulary.length
    texts = [*TEXTS, " ".join(words[: 2 * length])]  # the last text is cut at `length`
    texts += [" ".join(words[i : i + length]) for i in range(0, len(words), length)]
    texts += [f"{words[0].upper()}\0{words[-1]}😀{words[0]}"]
    expected = vocabulary(texts)
    strings = run.constant([text.encode("utf-8", "replace") for text in texts])
    (ids,) = run.model.signatures["ids"](text=strings).values()
    different = [texts[i] for i in np.flatnonzero((ids.numpy() != expected).any(axis=1))]
    if different:
        raise ExportError(
            "A SavedModel must turn texts into the same ids as the model's `Vocabulary`. "
            f"Received: different ids for {reprlib.repr(different)}"
        )
    (served,) = run.model.signatures["serving_default"](text=strings[:16]).values()
    outputs = run(expected[:16])
    difference = float(np.abs(served.numpy() - outputs).max())
    tolerance = float_tolerance(float(np.abs(outputs).max()))
    if not difference <= tolerance:
        raise ExportError(
            "`serving_default` must return the same outputs for texts as `serve` for their ids, "
            f"within {tolerance:.3g}. Received: a difference of {difference:.3g}"
        )
