"""The texts of a prepared TFDS set; TensorFlow is not needed."""

import numpy as np
import tensorflow_datasets as tfds

from cctzoo.data.sources.records import open_records


def text_features(features):
    """(names of the texts, name of the label) of a set of texts; ((), None) of another."""
    if not isinstance(features, tfds.features.FeaturesDict) or "image" in features:
        return (), None
    texts = _of_type(features, tfds.features.Text, "title")
    labels = _of_type(features, tfds.features.ClassLabel, "label")
    return (texts, labels[0]) if texts and labels else ((), None)


def _of_type(features, kind, first):
    """Names of the features of a type: `first`, then by the alphabet; TFDS has no order."""
    names = [name for name in features if isinstance(features[name], kind)]
    return sorted(names, key=lambda name: (name != first, name))


def read_texts(builder, split, texts, label):
    """(x, y) of a split, or of several joined by "+": (n,) str objects and (n,) int64.

    Args:
        builder: of TFDS, prepared.
        split: its name.
        texts: names of features, whose texts are joined by a space.
        label: name of a feature.
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
