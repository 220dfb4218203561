"""A model as a folder that can be uploaded to the Hugging Face Hub as it is."""

import json
from pathlib import Path

from cctzoo.formats.atomic import atomic_folder, write_json, write_text
from cctzoo.models.model import CCT
from cctzoo.weights.description import build, description, parse
from cctzoo.weights.match import assign, match_arrays
from cctzoo.weights.names import variable_names
from cctzoo.weights.native import open_native, save_weights

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
USE = """
model.predict(model.vocabulary(["A text.", "Another one."]))"""  # in a card


def save_to_folder(
    model, path, *, dtype="float32", licence=None, dataset=None, accuracy=None, notes=""
):
    """Writes `config.json`, `model.safetensors` and a model card, `README.md`.

    Any model of the zoo, with a convolutional prefix, with many heads, and committees. The
    card's front matter is the Hub's; what is not given is left out of it. An existing folder
    is not touched.

    Args:
        model: a `CCT` or a `SoftCommittee`.
        path: of the folder, which appears whole or not at all; it must not exist.
        dtype: of the weights, `"float32"` or `"float16"`.
        licence: an identifier of the Hub, e.g. `"apache-2.0"`.
        dataset: an identifier of the Hub's data sets, e.g. `"cifar10"`, `"ag_news"`.
        accuracy: top-1 on the data set's test part, in [0, 1].
        notes: Markdown for the card: data and its caveats, recipe, limits.

    Raises:
        ValueError: if there is something at `path`, or the model is of another kind.
    """
    path = Path(path)
    if path.exists():
        raise ValueError(f"`path` must not exist yet. Received: path={str(path)!r}")
    if accuracy is not None and not 0 <= accuracy <= 1:
        raise ValueError(f"`accuracy` must be in [0, 1]. Received: accuracy={accuracy!r}")
    if accuracy is not None and dataset is None:
        raise ValueError(
            f"`accuracy` must come with a `dataset`. Received: accuracy={accuracy!r}, dataset=None"
        )
    about = {"library": "cctzoo", **description(model)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(path) as draft:
        write_json(draft / CONFIG, about)
        save_weights(model, draft / WEIGHTS, dtype)
        write_text(draft / CARD, _card(model, licence, dataset, accuracy, notes))


def load_from_folder(path, dtype=None):
    """The model of a folder of `save_to_folder`.

    The files may come from anywhere: they are data, nothing in them runs, and a config that
    asks for more than the weights beside it is refused before a model is built.

    Args:
        path: of the folder.
        dtype: policy, e.g. `"mixed_bfloat16"`. Default: Keras' global one.

    Raises:
        ValueError: if a file is missing or broken, or they do not belong together.
    """
    path = Path(path)
    for name in (CONFIG, WEIGHTS):
        if not (path / name).is_file():
            raise ValueError(
                f"`path` must be a folder with {CONFIG} and {WEIGHTS}. Received: "
                f"path={str(path)!r}, without {name}"
            )
    try:
        about = parse((path / CONFIG).read_text(encoding="utf-8"))
        with open_native(path / WEIGHTS) as (arrays, _):
            model = build(about, sum(array.size for array in arrays.values()), dtype)
            assign(*match_arrays(model, variable_names(model), arrays))
    except ValueError as error:
        raise ValueError(
            f"`path` must be a whole folder of `save_to_folder`. Received: path={str(path)!r}: "
            f"{error}"
        ) from error
    return model


def _card(model, licence, dataset, accuracy, notes):
    """Markdown with the Hub's front matter, which is YAML: JSON's texts are YAML's."""
    single = isinstance(model, CCT)
    texts = model.config.kind == "texts"
    task = "text-classification" if texts else "image-classification"
    matter = {"library_name": "cctzoo", "pipeline_tag": task}
    matter |= {"tags": ["keras", task, "compact-convolutional-transformer"]}
    if licence:
        matter["license"] = licence
    if dataset:
        matter["datasets"] = [dataset]
    if accuracy is not None:
        result = {
            "task": {"type": task},
            "dataset": {"type": dataset, "name": dataset},
            "metrics": [{"type": "accuracy", "value": accuracy}],
        }
        matter |= {"metrics": ["accuracy"]}
        matter["model-index"] = [{"name": model.name, "results": [result]}]
    front = "\n".join(f"{key}: {json.dumps(value)}" for key, value in matter.items())
    use = USE if texts and model.config.vocabulary else ""
    kind = (
        f"{model.config.heads} heads per block, {model.config.depth} blocks of width "
        f"{model.config.embed_dim}, of them {model.config.conv_prefix} convolutional"
        if single
        else f"a committee of {len(model.members)}, which averages {model.config.average}"
    )
    return f"""---
{front}
---

# {model.name}

A compact transformer of cctzoo: {kind}. {model.count_params():,} weights.

- Input: {_input_of_texts(model.config) if texts else _input_of_images(model.config)}.
- Output: {_output(model.config)}.

{notes.strip()}

```python
import cctzoo

model = cctzoo.weights.load_from_folder("PATH"){use}
```
"""


def _input_of_images(config):
    height, width, channels = config.input_shape
    values = "0-255" if config.include_preprocessing else "normalised"
    return f"images of {height}x{width} pixels and {channels} channels, values {values}"


def _input_of_texts(config):
    (length,) = config.input_shape
    if config.vocabulary is None:
        return f"texts of up to {length} words as ids; which word has which id, is not known"
    known = len(config.vocabulary)
    return f"texts of up to {length} words, as ids of the {known:,} that the model knows"


def _output(config):
    if not config.include_top:
        return "features, without a classifier"
    activation = config.classifier_activation or "logits, no activation"
    return f"{config.classes} classes ({activation})"
