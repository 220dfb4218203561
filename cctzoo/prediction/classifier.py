"""Any model that classifies, as its config and a function: Keras models and exported files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from cctzoo import limits
from cctzoo.formats.reading import parse_object, read_json, reading
from cctzoo.formats.zip_file import open_zip
from cctzoo.messages import received
from cctzoo.models import CCT, SoftCommittee
from cctzoo.models.committee import CommitteeConfig
from cctzoo.models.variants import config_from_fields
from cctzoo.runs import open_model
from cctzoo.runtimes import OnnxRunner, Runner, load_runner
from cctzoo.typing import Array, PathLike

WHAT = "a file that cctzoo exported, with the description of its model"


class Classifier(NamedTuple):
    """A model that classifies.

    Args:
        config: config of the model: `CCTConfig`, `TextConfig` or `CommitteeConfig`.
        class_names: a name for each class; two for a model with one output.
        outputs: from (n, *config.input_shape) to (n, classes).
    """

    config: Any
    class_names: tuple[str, ...]
    outputs: Callable[[Array], Array]


def open_classifier(model: keras.Model | PathLike) -> Classifier:
    """Opens a model, wherever it is.

    Args:
        model: a `CCT` or `SoftCommittee`; or what `runs.open_model` takes; or the path of a
            `.tflite`, `.onnx` or OpenVINO `.xml` file, or of a SavedModel folder, that cctzoo
            exported.

    Raises:
        ValueError: if it does not exist, has no classifier, or does not say what its input is.
    """
    if not isinstance(model, keras.Model):
        path = Path(model)
        if path.suffix in (".tflite", ".onnx", ".xml") or (path / "saved_model.pb").is_file():
            return _open_exported(path)
        model = open_model(model)
    if not isinstance(model, CCT | SoftCommittee):
        raise ValueError(
            "`model` must be a `CCT`, a `SoftCommittee`, or the path of one. "
            f"{received(model=model)}"
        )

    def outputs(samples):
        return keras.ops.convert_to_numpy(model.predict_on_batch(samples))

    return _classifier(model.config, model.config.class_names, outputs)


def _open_exported(path):
    run = load_runner(path)
    about = _read_metadata(path, run)
    if about.get("output") == "custom":
        raise ValueError(
            "Predictions need a model of the zoo; what the outputs of another head mean is not "
            f"known. Received: model={str(path)!r}"
        )
    with reading(path, WHAT, "model"):
        config, names = _config(about), about["class_names"]
        if names is not None and about.get("negative_class_name") is not None:
            names = [about["negative_class_name"], *names]
        classifier = _classifier(config, names, _any_number(run))
    if list(run.sample_shape) != list(config.input_shape):
        raise ValueError(
            f"A graph must take what its description says, {config.input_shape}. "
            f"Received: model={str(path)!r}, which takes {tuple(run.sample_shape)}"
        )
    return classifier


def _read_metadata(path: Path, run: Runner) -> dict[str, Any]:
    """The metadata that an export embeds in its file, or writes next to it."""
    if path.suffix == ".xml":
        return read_json(Path(f"{path}.json"), WHAT, "model")
    if path.is_dir():
        return read_json(path / "assets.extra" / "cctzoo.json", WHAT, "model")
    with reading(path, WHAT, "model"):
        if isinstance(run, OnnxRunner):
            text = run.session.get_modelmeta().custom_metadata_map["cctzoo"]
            limits.check("json_bytes", len(text), "The metadata's number of characters")
        else:
            with open_zip(path) as archive:
                text = archive.read("metadata.json")
        return parse_object(text)


def _config(about):
    """The config in the metadata, with the words that stand elsewhere in it."""
    words = about["input"].get("vocabulary")
    fields = about["config"]
    if "members" not in fields:
        return _member_config(fields, words)
    members = tuple(_member_config(member, words) for member in fields["members"])
    return CommitteeConfig(**{**fields, "members": members})


def _member_config(fields, words):
    return config_from_fields(fields if words is None else {**fields, "vocabulary": words})


def _any_number(run):
    """The runner as a function of any number of samples; a graph may have a static batch size."""

    def outputs(samples):
        missing = -len(samples) % (run.batch or 1)
        padded = np.concatenate([samples, np.repeat(samples[-1:], missing, axis=0)])
        return run(padded)[: len(samples)]

    return outputs


def _classifier(config, names, outputs):
    if not config.include_top:
        raise ValueError("Predictions need a model with a classifier. Received: include_top=False")
    if names is None:
        names = [f"class {label}" for label in range(max(2, config.classes))]
    names = tuple(map(str, names))
    if config.classes == 1 and len(names) == 1:
        names = (f"not {names[0]}", *names)
    if len(names) != max(2, config.classes):
        raise ValueError(
            f"A model must have a name for each class. Received: {len(names)} names, "
            f"classes={config.classes}"
        )
    return Classifier(config, names, outputs)
