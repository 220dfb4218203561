"""TFDS builders for tests: tiny sets, prepared on disk."""

import io

import numpy as np
import tensorflow_datasets as tfds

from tests.data.pictures import encoded, picture

QUIET = tfds.download.DownloadConfig(try_download_gcs=False)


def prepare(
    data_dir,
    name="TinyFlowers",
    splits=None,
    shape=(None, None, 3),
    labels=3,
    label_feature=None,
    form="JPEG",
    file_format="array_record",
    mode="RGB",
):
    """Prepares a set with `splits` = {split: labels}; returns its TFDS name.

    Image i of a split has the pixels of `picture(i, ...)`; its size varies unless `shape`
    fixes it. TFDS then finds the set by its files.
    """
    splits = splits or {"train": np.arange(30) % 3, "test": np.arange(9) % 3}

    class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {
                "image": tfds.features.Image(shape=shape, encoding_format=form.lower()),
                "label": label_feature or tfds.features.ClassLabel(num_classes=labels),
                "number": tfds.features.Scalar(np.int64),
            }
            return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

        def _split_generators(self, download_manager):
            return {key: self._generate_examples(value) for key, value in splits.items()}

        def _generate_examples(self, split_labels):
            for i, label in enumerate(split_labels):
                height, width = shape[:2] if shape[0] else (20 + i, 40 - i)
                image = io.BytesIO(encoded(picture(i, height, width, mode), form))
                yield i, {"image": image, "label": label, "number": i}

    Builder.name = tfds.core.naming.camelcase_to_snakecase(name)
    Builder.__name__ = name
    builder = Builder(data_dir=data_dir, file_format=file_format)
    builder.download_and_prepare(download_config=QUIET)
    return Builder.name
