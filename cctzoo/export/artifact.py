"""Where an artifact may be written, and the metadata that it carries for a device."""

import dataclasses
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cctzoo.data.image_files import mode_of
from cctzoo.export.custom import CustomModel, Exportable
from cctzoo.export.report import ExportReport
from cctzoo.formats.atomic import write_json
from cctzoo.models.decisions import decision_kind
from cctzoo.models.vocabulary import UNKNOWN, WORD
from cctzoo.typing import PathLike


def check_path(path: PathLike, suffix: str) -> Path:
    """Returns `path` as a Path if an artifact can be written there.

    Raises:
        ValueError: if the suffix is another one, the folder does not exist, or `path` is a
            folder.
        PermissionError: if the folder is not writable.
    """
    path = Path(path)
    if path.suffix != suffix or path.is_dir() or not path.parent.is_dir():
        raise ValueError(
            f"`path` must be a {suffix} file path in an existing folder. "
            f"Received: path={str(path)!r}"
        )
    check_writable(path.parent)
    return path


def check_writable(folder: Path) -> None:
    """Raises PermissionError unless files can be created in `folder`."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"The folder must be writable. Received: {str(folder)!r}")


def metadata(model: Exportable, class_names: Sequence[str] | None) -> dict[str, Any]:
    """Returns what a program needs to know to use the model, as JSON data.

    Without `class_names`, the names are those of the model's config.

    `decision` says how outputs become decisions: `"top1"`, the class with the highest output;
    `"threshold"`, each output is a label of its own, which is present if the output is above 0.5
    (probabilities) or above 0 (logits); None for features, and for a `CustomModel`, whose
    `output` is `"custom"` and whose `config` is None.

    Raises:
        ValueError: if the number of class names is not the number of classes. A model with one
            output may also have two names, of the classes 0 and 1: the first becomes
            `negative_class_name`.
    """
    config = model.config
    if isinstance(model, CustomModel):
        return _custom_metadata(model, class_names)
    negative = None
    if class_names is None and config.include_top:
        class_names = config.class_names
    if class_names is not None:
        class_names = [str(name) for name in class_names]
        if config.include_top and config.classes == 1 and len(class_names) == 2:
            negative, *class_names = class_names
        if not config.include_top or len(class_names) != config.classes:
            raise ValueError(
                "`class_names` must hold one name for each class of a model with a classifier. "
                f"Received: {len(class_names)} names, classes={config.classes}, "
                f"include_top={config.include_top}"
            )
    output = "probabilities" if config.classifier_activation else "logits"
    return {
        "name": model.name,
        "input": _input(config),
        "output": output if config.include_top else "features",
        "decision": decision_kind(config),
        "class_names": class_names,
        "negative_class_name": negative,
        "config": _without_words(dataclasses.asdict(config)),
    }


def write_metadata(path: Path, metadata: dict[str, Any], report: ExportReport) -> None:
    """Writes the model's metadata and the report of its export as JSON."""
    write_json(path, {**metadata, "export": dataclasses.asdict(report)})


def embed_in_litert(path: Path, metadata: dict[str, Any]) -> None:
    """Appends the metadata to a `.tflite` file as `metadata.json` of a zip archive.

    Interpreters ignore bytes after the graph. `unzip -p model.tflite metadata.json` and Python's
    `zipfile` read them.
    """
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", json.dumps(metadata))


def _custom_metadata(model, class_names):
    width = model.output_shape[1] if len(model.output_shape) == 2 else None
    if class_names is not None and len(class_names) != width:
        raise ValueError(
            "`class_names` must hold one name for each output. "
            f"Received: {len(class_names)} names, an output of shape {model.output_shape}"
        )
    return {
        "name": model.name,
        "input": _input(model.config),
        "output": "custom",
        "decision": None,
        "class_names": class_names if class_names is None else list(map(str, class_names)),
        "negative_class_name": None,
        "config": None,
    }


def _input(config):
    if config.kind == "arrays":
        return {"shape": list(config.input_shape), "view": None, "values": "not known"}
    return _text_input(config) if config.kind == "texts" else _image_input(config)


def _image_input(config):
    normalised = config.include_preprocessing
    return {
        "shape": list(config.input_shape),
        "view": _view(config),
        "values": "0 to 255" if normalised else "(value / 255 - mean) / std",
        "mean": config.mean,
        "std": config.std,
        "normalised_in_the_model": normalised,
    }


def _view(config):
    """How an image file becomes pixels of the model's shape; None if the model has no view."""
    if config.view is None:
        return None
    height, width, channels = config.input_shape
    fields = {"height": height, "width": width, "mode": mode_of(channels), "values": [0, 255]}
    return fields | dataclasses.asdict(config.view)


def _text_input(config):
    """Includes the vocabulary and the word pattern, so that a device can turn a text into ids."""
    padding = getattr(config, "members", [config])[0].padding_id
    values = "token ids"
    if padding is not None:
        values += f"; {padding} fills up to the length"
    fields = {
        "shape": list(config.input_shape),
        "values": values,
        "padding": padding,
        "vocabulary": config.vocabulary,
    }
    if config.vocabulary is not None:
        fields["values"] += f"; {UNKNOWN} for an unknown word, 2 for the vocabulary's first word"
        fields["word"] = WORD.pattern
    return fields


def _without_words(config):
    """A config as a dict without the words that stand elsewhere in the metadata."""
    if "members" in config:
        return {**config, "members": [_without_words(member) for member in config["members"]]}
    return {k: v for k, v in config.items() if k not in ("vocabulary", "class_names")}
