"""Classification sets of TensorFlow Datasets, by name; TensorFlow is not needed."""

import numpy as np
import tensorflow_datasets as tfds

from cctzoo.data.encoded_images import MODES, EncodedImages, convert, decode
from cctzoo.data.options import height_width
from cctzoo.data.sources.records import open_records, open_split, read_labels
from cctzoo.data.sources.tfds_prepare import prepare
from cctzoo.data.sources.tfds_texts import read_texts, text_features
from cctzoo.data.splits import hold_out


def load_tfds(name, image_size, color_mode, data_dir, manual_dir):
    """((x_train, y_train, x_test, y_test), classes) of a TFDS set; see `data.load`.

    Images of one size come as an array, others as `EncodedImages` that read from disk, texts
    as an array of str objects.

    Raises:
        ValueError: if the set is not one of classification, or cannot be had.
    """
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except (ValueError, AssertionError) as error:
        raise ValueError(
            f"TFDS must know the configuration and version. Received: name={name!r} ({error})"
        ) from error
    texts, label_key = text_features(builder.info.features)
    if texts:
        _check_options_of_texts(name, image_size=image_size, color_mode=color_mode)
    else:
        shape, mode = _check_features(name, builder.info.features, color_mode)
        label_key = "label"
    prepare(builder, manual_dir)
    label = builder.info.features[label_key]  # not before: some sets bring class names
    train, test = _splits(name, builder, label_key, label.num_classes)
    parts = []
    for split in filter(None, (train, test)):
        if texts:
            x, y = read_texts(builder, split, texts, label_key)
        elif shape is None:
            source = open_split(builder, split)
            x = EncodedImages(source, height_width(image_size), mode)
            y = read_labels(builder, split, source)
        else:
            x, y = _arrays(open_split(builder, split), shape, mode)
        if not 0 <= y.min() <= y.max() < label.num_classes:
            raise ValueError(
                f"Labels must be from 0 to {label.num_classes - 1}. Received: "
                f"{builder.info.full_name}, {split} with labels from {y.min()} to {y.max()}"
            )
        parts += [x, y]
    if test is None:
        x, y = parts
        kept, held = hold_out(y, 0.2, seed=0)
        parts = [x[kept], y[kept], x[held], y[held]]
    return parts, [label.int2str(i) for i in range(label.num_classes)]


def _check_options_of_texts(name, **options):
    for key, value in options.items():
        if value is not None:
            raise ValueError(
                f"`{key}` is for images, not for texts. Received: {key}={value!r}, name={name!r}"
            )


def _check_features(name, features, color_mode):
    """((height, width) of all images, or None if they differ; Pillow mode)."""
    image, label = (_feature(features, key) for key in ("image", "label"))
    right = isinstance(image, tfds.features.Image) and isinstance(label, tfds.features.ClassLabel)
    if not right or image.np_dtype != np.uint8:
        raise ValueError(
            "A TFDS data set must be of image classification, with uint8 features 'image' and "
            "'label', or of text classification, with features of types Text and ClassLabel. "
            f"Received: name={name!r} with {features}"
        )
    *size, channels = image.shape
    mode = {None: {1: "L", 3: "RGB"}.get(channels), "rgb": "RGB", "grayscale": "L"}[color_mode]
    if mode is None:
        raise ValueError(
            "Images must have 1 or 3 channels, unless `color_mode` 'rgb' or 'grayscale' has them "
            f"converted. Received: name={name!r}, channels={channels}"
        )
    return None if None in size else tuple(size), mode


def _feature(features, key):
    known = isinstance(features, tfds.features.FeaturesDict) and key in features
    return features[key] if known else None


def _splits(name, builder, label_key, classes):
    """Names of the training and the test split; None for a test part yet to be made.

    Labels of a competition's test part are -1: then the validation split is the test part.
    """
    splits = {key for key, split in builder.info.splits.items() if split.num_examples}
    if "train" not in splits:
        raise ValueError(
            f"A TFDS data set must have a split 'train'. Received: name={name!r} with "
            f"{sorted(splits)}"
        )
    if "test" in splits and 0 <= _first_label(builder, "test", label_key) < classes:
        return ("train+validation" if "validation" in splits else "train"), "test"
    return "train", "validation" if "validation" in splits else None


def _first_label(builder, split, key):
    features = tfds.features.FeaturesDict({key: builder.info.features[key]})
    return int(features.deserialize_example_np(open_records(builder, split)[0])[key])


def _arrays(source, size, mode):
    """All images, (n, height, width, channels) uint8, and labels, (n,) int64."""
    x = np.empty((len(source), *size, MODES[mode]), "uint8")
    y = np.empty(len(source), "int64")
    for i in range(len(source)):  # threads made this slower for images as small as CIFAR's
        encoded, y[i] = source.example(i)
        with decode(encoded, source.name(i)) as image:
            pixels = np.asarray(convert(image, mode))
        if pixels.shape[:2] != size:
            raise ValueError(
                f"Images must be of the size that TFDS states, {size}. Received: "
                f"{source.name(i)} of {pixels.shape[:2]}"
            )
        x[i] = pixels.reshape(x.shape[1:])
    return x, y
