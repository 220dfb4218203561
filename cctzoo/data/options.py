"""Options of `load`: their ranges, and to which kinds of data sets they belong."""

import operator
from pathlib import Path

import numpy as np

TEXTS = ("docstrings", "csv", "jsonl")
KINDS = ("digits", "npz", "folder", *TEXTS, "tfds")

DEFAULT_SIZE = 224  # pixels, of images that come in any size


def kind_of(name):
    """Which of `KINDS` a name that `check_name` knows is of."""
    kind = name.partition(":")[0]
    return kind if kind in KINDS[:-1] else "tfds"


def check_options(validation, train_samples, test_samples, color_mode):
    """Raises ValueError for values out of range."""
    if not 0 <= validation < 1:
        raise ValueError(
            f"`validation` must be a part, in [0, 1). Received: validation={validation}"
        )
    for key, count in {"train_samples": train_samples, "test_samples": test_samples}.items():
        if count is not None and operator.index(count) < 1:
            raise ValueError(f"`{key}` must be 1 or more. Received: {key}={count}")
    if color_mode not in (None, "rgb", "grayscale"):
        raise ValueError(
            f"`color_mode` must be 'rgb', 'grayscale' or None. Received: color_mode={color_mode!r}"
        )


def check_supported(name, image_size, skip_unreadable, color_mode, data_dir, manual_dir):
    """Options that this kind of set would swallow in silence are errors."""
    given = {
        "image_size": (image_size, tuple(kind for kind in KINDS if kind not in TEXTS)),
        "skip_unreadable": (skip_unreadable, ("folder",)),
        "color_mode": (color_mode, ("folder", "tfds")),
        "data_dir": (data_dir, ("tfds",)),
        "manual_dir": (manual_dir, ("tfds",)),
    }
    for key, (value, kinds) in given.items():
        if value is not None and value is not False and kind_of(name) not in kinds:
            raise ValueError(
                f"`{key}` is for data sets of kind {' or '.join(kinds)} alone. "
                f"Received: {key}={value!r}, name={name!r}"
            )
    if manual_dir and not Path(manual_dir).expanduser().is_dir():
        raise ValueError(f"`manual_dir` must be a folder. Received: manual_dir={manual_dir!r}")


def height_width(image_size):
    """(height, width) of a side, a pair, or None for the default."""
    size = DEFAULT_SIZE if image_size is None else image_size
    size = (size, size) if np.ndim(size) == 0 else tuple(size)
    whole = all(isinstance(side, int | np.integer) and side >= 1 for side in size)
    if len(size) != 2 or not whole:
        raise ValueError(
            "`image_size` must be a side or (height, width), whole numbers from 1 on. "
            f"Received: image_size={image_size!r}"
        )
    return tuple(map(int, size))


def check_size(name, x, image_size):
    """Raises ValueError if images have one size, and another one was asked for."""
    own = tuple(x.shape[1:3])
    if image_size is not None and height_width(image_size) != own:
        raise ValueError(
            "Images that all have one size keep it: `image_size` must be that or None. "
            f"Received: image_size={image_size!r}, name={name!r} of {own[0]}x{own[1]}"
        )
