"""Classification sets of TensorFlow Datasets, read without TensorFlow."""

import logging

import numpy as np
import tensorflow_datasets as tfds
from google.protobuf import json_format

from cctzoo.data.encoded_images import EncodedImages
from cctzoo.data.image_files import MODES, convert, decode
from cctzoo.data.image_size import ImageSize, check_size, height_width
from cctzoo.data.sources.parts import Parts, split_test
from cctzoo.data.sources.records import open_records, open_split, read_labels
from cctzoo.data.sources.tfds_features import check_features
from cctzoo.data.sources.tfds_prepare import prepare
from cctzoo.data.sources.tfds_texts import read_texts, text_features
from cctzoo.data.view import View
from cctzoo.formats.reading import ERRORS
from cctzoo.typing import PathLike

logger = logging.getLogger(__name__)


def load_tfds(
    name: str,
    image_size: ImageSize | None = None,
    color_mode: str | None = None,
    data_dir: PathLike | None = None,
    manual_dir: PathLike | None = None,
) -> Parts:
    """Loads a set of TensorFlow Datasets; see `data.load`.

    Images of one size become an array. Images of other sizes become `EncodedImages`, which are
    read from disk on demand.

    Raises:
        ValueError: if the set is not a classification set, or cannot be prepared.
    """
    builder = _builder(name, data_dir)
    texts, label_key = text_features(builder.info.features)
    if texts:
        _check_no_image_options(name, image_size=image_size, color_mode=color_mode)
    else:
        shape, mode = _check_features(name, builder.info.features, color_mode)
        label_key = "label"
    prepare(builder, manual_dir)
    label = builder.info.features[label_key]  # only now: some sets contain their class names
    train, test = _splits(name, builder, label_key, label.num_classes)
    _log_splits(name, builder, train, test)
    parts = []
    for split in filter(None, (train, test)):
        if texts:
            x, y = read_texts(builder, split, texts, label_key)
        elif shape is None:
            source = open_split(builder, split)
            x = EncodedImages(source, height_width(image_size), mode, View(orient=False))
            y = read_labels(builder, split, source)
        else:
            x, y = _arrays(open_split(builder, split), shape, mode)
        if not 0 <= y.min() <= y.max() < label.num_classes:
            raise ValueError(
                f"Labels must be from 0 to {label.num_classes - 1}. Received: "
                f"{builder.info.full_name}, {split} with labels from {y.min()} to {y.max()}"
            )
        parts += [x, y]
    if not texts and shape is not None:
        check_size(parts[0], image_size)
    if test is None:
        parts = split_test(*parts)
    return Parts(*parts, [label.int2str(i) for i in range(label.num_classes)])


def image_options(name: str, data_dir: PathLike | None = None) -> tuple[str, ...]:
    """See `data.names.image_options`."""
    features = _builder(name, data_dir).info.features
    if text_features(features)[0]:
        return ()
    shape, _ = _check_features(name, features, "rgb")
    return ("image_size", "color_mode") if shape is None else ("color_mode",)


def check_prepared(name: str, data_dir: PathLike) -> None:
    """See `data.names.check_prepared`."""
    if not _builder(name, data_dir).is_prepared():
        raise ValueError(
            "A data set is not downloaded to a folder that a file names. If you want it there, "
            "give the folder again: with --data-dir, or as `data_dir`. "
            f"Received: name={name!r}, data_dir={str(data_dir)!r}, without the prepared set"
        )


def _builder(name, data_dir):
    check_features(name, data_dir)
    try:
        return tfds.builder(name, data_dir=data_dir)
    except (*ERRORS, AssertionError, json_format.Error) as error:
        raise ValueError(
            f"TFDS must know the configuration and version. Received: name={name!r} ({error})"
        ) from error


def _check_no_image_options(name, **options):
    for key, value in options.items():
        if value is not None:
            raise ValueError(
                f"`{key}` is only for image data sets. Received: {key}={value!r}, name={name!r}"
            )


def _check_features(name, features, color_mode):
    """Returns ((height, width) of all images, or None if they differ; Pillow mode)."""
    image, label = (_feature(features, key) for key in ("image", "label"))
    right = isinstance(image, tfds.features.Image) and isinstance(label, tfds.features.ClassLabel)
    if not right or image.np_dtype != np.uint8:
        raise ValueError(
            "A TFDS set must be for image classification, with a uint8 feature 'image' and a "
            "feature 'label', or for text classification, with features of type Text and "
            "ClassLabel. "
            f"Received: name={name!r} with {features}"
        )
    *size, channels = image.shape
    mode = {None: {1: "L", 3: "RGB"}.get(channels), "rgb": "RGB", "grayscale": "L"}[color_mode]
    if mode is None:
        raise ValueError(
            "Images must have 1 or 3 channels, unless `color_mode` is given, to which they are "
            f"converted. Received: name={name!r}, channels={channels}"
        )
    return None if None in size else tuple(size), mode


def _feature(features, key):
    known = isinstance(features, tfds.features.FeaturesDict) and key in features
    return features[key] if known else None


def _splits(name, builder, label_key, classes):
    """Returns the names of the training and the test split, or (name, None) without a test split.

    The test labels of a competition are hidden as -1. The validation split is then the test part.
    """
    splits = {key for key, split in builder.info.splits.items() if split.num_examples}
    if "train" not in splits:
        raise ValueError(
            f"A TFDS set must have a split 'train'. Received: name={name!r} with {sorted(splits)}"
        )
    if "test" in splits and 0 <= _first_label(builder, "test", label_key) < classes:
        return ("train+validation" if "validation" in splits else "train"), "test"
    return "train", "validation" if "validation" in splits else None


def _log_splits(name, builder, train, test):
    """Logs where the splits go that are not the part that they are named for."""
    notices = []
    if train == "train+validation":
        notices.append("its split validation joins the training part")
    if test == "validation":
        notices.append("its split validation is the test part")
    unused = sorted(set(builder.info.splits) - {*train.split("+"), test})
    if unused:
        notices.append(f"not used: {', '.join(unused)}")
    if notices:
        logger.info("data set %s: %s", name, "; ".join(notices))


def _first_label(builder, split, key):
    features = tfds.features.FeaturesDict({key: builder.info.features[key]})
    return int(features.deserialize_example_np(open_records(builder, split)[0])[key])


def _arrays(source, size, mode):
    """Returns images (n, height, width, channels) uint8 and labels (n,) int64."""
    x = np.empty((len(source), *size, MODES[mode]), "uint8")
    y = np.empty(len(source), "int64")
    for i in range(len(source)):  # threads are slower for images as small as CIFAR's
        encoded, y[i] = source.example(i)
        with decode(encoded, source.name(i)) as image:
            pixels = np.asarray(convert(image, mode, source.name(i)))
        if pixels.shape[:2] != size:
            raise ValueError(
                f"Images must have the size that TFDS states, {size}. Received: "
                f"{source.name(i)} of {pixels.shape[:2]}"
            )
        x[i] = pixels.reshape(x.shape[1:])
    return x, y
