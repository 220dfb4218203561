"""Image classification sets of TensorFlow Datasets, by name; TensorFlow is not needed."""

import numpy as np
import tensorflow_datasets as tfds

from cctzoo.data.encoded_images import MODES, EncodedImages, convert, decode
from cctzoo.data.records import open_split, read_labels
from cctzoo.data.splits import hold_out
from cctzoo.data.tfds_prepare import prepare


def load_tfds(name, image_size, color_mode, data_dir, manual_dir):
    """((x_train, y_train, x_test, y_test), classes) of a TFDS set; see `data.load`.

    Images of one size come as an array, others as `EncodedImages` that read from disk.

    Raises:
        ValueError: if the set is not one of image classification, or cannot be had.
    """
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except (ValueError, AssertionError) as error:
        raise ValueError(
            f"TFDS must know the configuration and version. Received: name={name!r} ({error})"
        ) from error
    shape, mode = _check_features(name, builder.info.features, color_mode)
    prepare(builder, manual_dir)
    label = builder.info.features["label"]  # not before: some sets bring class names
    train, test = _splits(name, builder, label.num_classes)
    parts = []
    for split in filter(None, (train, test)):
        source = open_split(builder, split)
        if shape is None:
            x = EncodedImages(source, image_size, mode)
            y = read_labels(builder, split, source)
        else:
            x, y = _arrays(source, shape, mode)
        if not 0 <= y.min() <= y.max() < label.num_classes:
            raise ValueError(
                f"Labels must be from 0 to {label.num_classes - 1}. Received: {source.title} "
                f"with labels from {y.min()} to {y.max()}"
            )
        parts += [x, y]
    if test is None:
        x, y = parts
        kept, held = hold_out(y, 0.2, seed=0)
        parts = [x[kept], y[kept], x[held], y[held]]
    return parts, [label.int2str(i) for i in range(label.num_classes)]


def _check_features(name, features, color_mode):
    """((height, width) of all images, or None if they differ; Pillow mode)."""
    image, label = (_feature(features, key) for key in ("image", "label"))
    right = isinstance(image, tfds.features.Image) and isinstance(label, tfds.features.ClassLabel)
    if not right or image.np_dtype != np.uint8:
        raise ValueError(
            "A TFDS data set must be of image classification, with uint8 features 'image' and "
            f"'label'. Received: name={name!r} with {features}"
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


def _splits(name, builder, classes):
    """Names of the training and the test split; None for a test part yet to be made.

    Labels of a competition's test images are -1: then the validation split is the test part.
    """
    splits = {key for key, split in builder.info.splits.items() if split.num_examples}
    if "train" not in splits:
        raise ValueError(
            f"A TFDS data set must have a split 'train'. Received: name={name!r} with "
            f"{sorted(splits)}"
        )
    labelled = "test" in splits and 0 <= open_split(builder, "test").example(0)[1] < classes
    if labelled:
        return ("train+validation" if "validation" in splits else "train"), "test"
    return "train", "validation" if "validation" in splits else None


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
