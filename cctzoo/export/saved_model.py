"""Export to TensorFlow's SavedModel."""

import reprlib
from pathlib import Path

import numpy as np

from cctzoo.export import artifact
from cctzoo.export.convert import convert, in_float32
from cctzoo.export.inputs import takes_texts
from cctzoo.export.report import (
    FLOAT_TOLERANCE,
    ExportError,
    ExportReport,
    check_samples,
    compare,
    require_parity,
)
from cctzoo.formats.atomic import atomic_folder
from cctzoo.runtimes import SavedModelRunner

# What a tokeniser may get wrong: nothing, NUL, emoji, a final sigma, right to left, no spaces.
TEXTS = ("", " \t\n", "A\0b. C", "so😀😀GOOD ❤\ufe0f", "ΟΔΟΣ Σ", "שלום, עולם! مرحبا؟", "猫が好き。")


def to_saved_model(model, path, samples=None, labels=None, class_names=None):
    """Writes a model as a SavedModel, runs it, and compares it with Keras.

    The batch is dynamic. The signature `serving_default` takes uint8 images and `serve`
    float32 ones; a model without its preprocessing has float32 only, under both names. Of a
    model for texts that knows its words, `serving_default` takes strings (B,), `ids` gives the
    ids that it makes of them, and `serve` takes such ids, int32; without words, ids only,
    under two names. Class names, preprocessing or words, and report are in
    `assets.extra/cctzoo.json`. The folder appears when all checks have passed, or not at all.

    Args:
        model: a `CCT` or `SoftCommittee`, on any backend.
        path: of the folder; a SavedModel that is there is replaced, anything else refused.
        samples, labels, class_names: as in `to_litert`.

    Returns:
        An `ExportReport`.

    Raises:
        ValueError: for a wrong argument.
        PermissionError: if the folder is not writable.
        ExportError: if the conversion fails, it differs from Keras by more than 1e-4, or it
            makes other ids of a text than the model's `Vocabulary`.
    """
    path = Path(path)
    if not path.parent.is_dir() or (path.exists() and not (path / "saved_model.pb").is_file()):
        raise ValueError(
            "`path` must lie in a folder that exists, and be new or a SavedModel. "
            f"Received: path={str(path)!r}"
        )
    artifact.check_writable(path.parent)
    model = in_float32(model)
    description = artifact.describe(model, class_names)
    x, y = check_samples(model, samples, labels)
    with atomic_folder(path) as draft:
        convert(model, draft, "saved_model")
        run = SavedModelRunner(draft)
        if takes_texts(model) and model.config.vocabulary is not None:
            require_words(run, model.vocabulary)
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
        artifact.write_description(extra / "cctzoo.json", description, report)
    return report


def require_words(run, vocabulary):
    """Raises ExportError unless the graph makes the ids of texts that the vocabulary makes.

    Args:
        run: the `SavedModelRunner`.
        vocabulary: the model's; each of its words is tried, and what texts can hold beside.
    """
    words, length = vocabulary.words, vocabulary.length
    texts = [*TEXTS, " ".join(words[: 2 * length])]  # the last is longer than is kept
    texts += [" ".join(words[i : i + length]) for i in range(0, len(words), length)]
    texts += [f"{words[0].upper()}\0{words[-1]}😀{words[0]}"]
    expected = vocabulary(texts)
    strings = run.constant([text.encode("utf-8", "replace") for text in texts])
    (ids,) = run.model.signatures["ids"](text=strings).values()
    odd = [texts[i] for i in np.flatnonzero((ids.numpy() != expected).any(axis=1))]
    if odd:
        raise ExportError(
            "A SavedModel must make the same ids of a text as the model's `Vocabulary`. "
            f"Received: others of {reprlib.repr(odd)}"
        )
    (served,) = run.model.signatures["serving_default"](text=strings[:16]).values()
    difference = float(np.abs(served.numpy() - run(expected[:16])).max())
    if not difference <= FLOAT_TOLERANCE:
        raise ExportError(
            "`serving_default` must give for texts what `serve` gives for their ids, within "
            f"{FLOAT_TOLERANCE}. Received: a difference of {difference:.3g}"
        )
