"""An artifact on disk: whole or not at all, with a JSON that says what it is."""

import dataclasses
import json
import os
import zipfile
from pathlib import Path

from cctzoo.export.inputs import takes_texts
from cctzoo.formats.atomic import write_json
from cctzoo.models.vocabulary import UNKNOWN, WORD


def check_path(path, suffix):
    """`path` as a Path, if an artifact may be written there; a ValueError if not."""
    path = Path(path)
    folder = path.parent
    if path.suffix != suffix or path.is_dir() or not folder.is_dir():
        raise ValueError(
            f"`path` must end in {suffix}, lie in a folder that exists, and be no folder. "
            f"Received: path={str(path)!r}"
        )
    check_writable(folder)
    return path


def check_writable(folder):
    """Raises PermissionError unless files can be made in `folder`."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"A folder must be writable. Received: {str(folder)!r}")


def describe(model, class_names):
    """What a program needs to know to use the model: a dict that JSON can hold.

    Raises:
        ValueError: if there is not one name for each class.
    """
    config = model.config
    if class_names is not None:
        class_names = [str(name) for name in class_names]
        if not config.include_top or len(class_names) != config.classes:
            raise ValueError(
                "`class_names` must hold one name for each class of a model with its top. "
                f"Received: {len(class_names)} names, classes={config.classes}, "
                f"include_top={config.include_top}"
            )
    output = "probabilities" if config.classifier_activation else "logits"
    return {
        "name": model.name,
        "input": _texts(model) if takes_texts(model) else _images(config),
        "output": output if config.include_top else "features",
        "class_names": class_names,
        "config": _without_words(dataclasses.asdict(config)),
    }


def _images(config):
    inside = config.include_preprocessing
    return {
        "shape": list(config.input_shape),
        "values": "0 to 255" if inside else "(value / 255 - mean) / std",
        "mean": config.mean,
        "std": config.std,
        "normalised_in_the_model": inside,
    }


def _texts(model):
    """With the words and what separates them, so that a device can make ids of a text."""
    config = model.config
    padding = getattr(config, "members", [config])[0].padding_id
    about = {
        "shape": list(config.input_shape),
        "values": "token ids" + f"; {padding} fills up to the length" * (padding is not None),
        "padding": padding,
        "vocabulary": config.vocabulary,
    }
    if config.vocabulary is not None:
        about["values"] += f"; {UNKNOWN} for an unknown word, from 2 on those of the vocabulary"
        about["word"] = WORD.pattern
    return about


def _without_words(config):
    """A config as a dict, without the vocabulary, which the input's description has."""
    if "members" in config:
        return {**config, "members": [_without_words(member) for member in config["members"]]}
    return {name: value for name, value in config.items() if name != "vocabulary"}


def write_description(path, description, report):
    """Writes `path`: the description of the model and the report of its export."""
    both = {**description, "export": dataclasses.asdict(report)}
    write_json(path, both)


def embed_in_litert(path, description):
    """Appends the description to a `.tflite` as `metadata.json` of a zip archive.

    Interpreters ignore what follows the graph; `unzip -p model.tflite metadata.json` and
    Python's `zipfile` read it.
    """
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", json.dumps(description))
