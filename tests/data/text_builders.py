"""TFDS builders for text sets: tiny sets, prepared on disk."""

import numpy as np
import tensorflow_datasets as tfds

from tests.data.builders import QUIET


def prepare_texts(
    data_dir,
    name="TinyNews",
    splits=None,
    texts=("text",),
    labels=("no", "yes"),
    label_key="label",
    more=None,
    file_format="array_record",
):
    """Prepares a set with `splits` = {split: labels}; returns its TFDS name.

    Text i of a split is `"{split} {key} {i}"`. `more` are other features, {key: (feature,
    value)}. TFDS then finds the set by its files.
    """
    splits = splits or {"train": np.arange(20) % 2, "test": np.arange(6) % 2}
    more = more or {}

    class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {key: tfds.features.Text() for key in texts}
            features |= {label_key: tfds.features.ClassLabel(names=list(labels))}
            features |= {key: feature for key, (feature, _) in more.items()}
            return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

        def _split_generators(self, download_manager):
            return {key: self._generate_examples(key, value) for key, value in splits.items()}

        def _generate_examples(self, split, split_labels):
            for i, label in enumerate(split_labels):
                example = {key: f"{split} {key} {i}" for key in texts} | {label_key: label}
                yield i, example | {key: value for key, (_, value) in more.items()}

    Builder.name = tfds.core.naming.camelcase_to_snakecase(name)
    Builder.__name__ = name
    builder = Builder(data_dir=data_dir, file_format=file_format)
    builder.download_and_prepare(download_config=QUIET)
    return Builder.name
