"""The model card of a folder for the Hugging Face Hub."""

import json
import re

from cctzoo.models.committee import SoftCommittee
from cctzoo.models.model import CCT

LOADING = 'load_from_folder("PATH")'  # in a card; `push_to_hub` replaces it
# How the card of a model with words, or with a view, shows its use.
USE_TEXTS = """
model.predict(model.vocabulary(["A text.", "Another one."]))"""
USE_IMAGES = """
model.predict(model.read_images(["photo.jpg"]))"""


def model_card(
    model: CCT | SoftCommittee,
    licence: str | None,
    dataset: str | None,
    accuracy: float | None,
    notes: str,
) -> str:
    """Markdown with front matter for the Hub, which is YAML: a JSON string is a YAML string.

    Args:
        model, licence, dataset, accuracy, notes: as in `save_to_folder`.
    """
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
    use = ""
    if texts and model.config.vocabulary:
        use = USE_TEXTS
    elif not texts and model.config.view and model.config.include_preprocessing:
        use = USE_IMAGES
    kind = _committee(model) if isinstance(model, SoftCommittee) else _architecture(model.config)
    return f"""---
{front}
---

# {_escaped(model.name)}

A compact transformer of cctzoo: {kind}. {model.count_params():,} weights.

- Input: {_text_input(model.config) if texts else _image_input(model.config)}.
- Output: {_output(model.config)}.

{notes.strip()}

```python
import cctzoo

model = cctzoo.weights.{LOADING}{use}
```
"""


def _escaped(name):
    """A name, which can come from a file, as plain text in Markdown and HTML."""
    return re.sub(r"[\\`*\[\]<>&#!|~]", r"\\\g<0>", name)


def _architecture(config):
    kinds = " and ".join(dict.fromkeys(config.block_attention))
    activation = "" if config.activation == "gelu" else f", with {config.activation}"
    return (
        f"{config.heads} heads per block with {kinds} attention, {config.depth} "
        f"blocks of width {config.embed_dim}, {config.conv_prefix} of them convolutional"
        f"{activation}"
    )


def _committee(model):
    return f"a committee of {len(model.members)} models, which averages {model.config.average}"


def _image_input(config):
    height, width, channels = config.input_shape
    values = "0-255" if config.include_preprocessing else "normalised"
    return f"images of {height}x{width} pixels and {channels} channels, values {values}"


def _text_input(config):
    (length,) = config.input_shape
    if config.vocabulary is None:
        return f"texts of up to {length} words as ids; the words are not known"
    known = len(config.vocabulary)
    return f"texts of up to {length} words, as ids of the {known:,} words that the model knows"


def _output(config):
    if not config.include_top:
        return "features, without a classifier"
    activation = config.classifier_activation or "logits, no activation"
    return f"{config.classes} classes ({activation})"
