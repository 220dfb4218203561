"""The texts of a prepared TFDS set, read without TensorFlow."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from cctzoo.data.sources.records import open_records


def text_features(features: Any) -> tuple[Sequence[str], str | None]:
    """Returns (names of the text features, name of the label); ((), None) if not a text set."""
    if not isinstance(features, tfds.features.FeaturesDict) or "image" in features:
        return (), None
    texts = _of_type(features, tfds.features.Text, "title")
    labels = _of_type(features, tfds.features.ClassLabel, "label")
    return (texts, labels[0]) if texts and labels else ((), None)


def _of_type(features, kind, first):
    """Names of the features of a type: `first`, then alphabetically, as TFDS has no order."""
    names = [name for name in features if isinstance(features[name], kind)]
    return sorted(names, key=lambda name: (name != first, name))


def read_texts(
    builder: Any, split: str, texts: Sequence[str], label: str
) -> tuple[np.ndarray, np.ndarray]:
    """Returns (x, y): texts, (n,) str objects, and labels, (n,) int64.

    Args:
        builder: a prepared TFDS builder.
        split: the name of a split, or several names joined by "+".
        texts: names of the text features, which are joined by a space.
        label: name of the label.
    """
    records = open_records(builder, split)
    features = tfds.features.FeaturesDict(
        {name: builder.info.features[name] for name in (*texts, label)}
    )
    x, y = np.empty(len(records), object), np.empty(len(records), "int64")
    for i in range(len(records)):
        example = features.deserialize_example_np(records[i])
        x[i] = " ".join(example[name].decode("utf-8", "replace") for name in texts)
        y[i] = example[label]
    return x, y
