"""Data sets, split into training, validation and test part."""

import dataclasses
import operator
from pathlib import Path

import numpy as np

from cctzoo.data.digits import load_digits
from cctzoo.data.encoded_images import EncodedImages
from cctzoo.data.folder import load_folder
from cctzoo.data.names import check_name
from cctzoo.data.npz import load_npz
from cctzoo.data.splits import hold_out, subset

__all__ = ["Dataset", "check_name", "load"]

DEFAULT_SIZE = 224  # pixels, of images that come in any size

# (mean, std) with which the authors of CCT trained.
PUBLISHED_STATISTICS = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": ((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
    "oxford_flowers102": ((0.4353, 0.3773, 0.2872), (0.2966, 0.2455, 0.2698)),
    "imagenet2012": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Images with labels (n,) int64, in three parts.

    Images of one size are arrays (n, height, width, channels) uint8; images of any size are
    `EncodedImages`, which have that `shape` and `len()` and decode on demand. The validation
    part is held out of the training part and may be empty; the test part is for the end.
    """

    name: str
    classes: list[str]
    x_train: np.ndarray | EncodedImages
    y_train: np.ndarray
    x_validation: np.ndarray | EncodedImages
    y_validation: np.ndarray
    x_test: np.ndarray | EncodedImages
    y_test: np.ndarray

    def pixel_statistics(self):
        """(mean, std) of the training pixels in [0, 1]: two tuples, a number per channel.

        For CIFAR, Flowers-102 and ImageNet those that the published recipes use. Of
        `EncodedImages` the evaluation view of at most 1,000 images, always the same.
        """
        published = PUBLISHED_STATISTICS.get(self.name.partition(":")[0])
        if published and self.x_train.shape[-1] == 3:
            return published
        counts = np.zeros((self.x_train.shape[-1], 256), "int64")
        for pixels in _pixels(self.x_train):
            for count, channel in zip(counts, np.moveaxis(pixels, -1, 0), strict=True):
                count += np.bincount(channel.ravel(), minlength=256)
        levels = np.arange(256) / 255
        mean, std = [], []
        for count in counts:
            weight = count / count.sum()
            centre = float(weight @ levels)
            mean.append(centre)
            # A channel without contrast must not be divided by zero: 1/255 is one level.
            std.append(max(float(np.sqrt(weight @ (levels - centre) ** 2)), 1 / 255))
        return tuple(mean), tuple(std)


def load(
    name,
    validation=0.1,
    seed=0,
    *,
    image_size=None,
    train_images=None,
    test_images=None,
    skip_unreadable=False,
    color_mode=None,
    data_dir=None,
    manual_dir=None,
):
    """Loads a data set.

    Names:

    - `"digits"`: scikit-learn's 1,797 handwritten digits, which need no download (resized to
      16x16; a fixed fifth of them is the test part).
    - `"npz:PATH"`: a file with uint8 images `x_train`, `x_test`, (n, height, width) or (n,
      height, width, channels), labels `y_train`, `y_test`, (n,) or (n, 1), and, if it likes,
      the class names as `names`.
    - `"folder:PATH"`: a folder with `train` and `test` (or `val`, or `validation`: the first
      there is), each of class folders, or class folders directly (a fixed fifth is the test
      part). Class folders hold images: .bmp .gif .jpeg .jpg .pgm .png .ppm .tif .tiff .webp;
      hidden files and other suffixes are ignored. Classes are in the order of their names,
      capitals first. Images may have any size; each is decoded once at once.
    - any other word: that set of TensorFlow Datasets (`cifar10`, `oxford_flowers102`,
      `imagenet2012`, `name/configuration:version`, ...), downloaded and prepared in
      `data_dir` if it is not there. Its `test` split is the test part and its `validation`
      split joins the training part; without a labelled `test`, `validation` is the test
      part, else a fixed fifth of `train`.

    Args:
        name: see above.
        validation: part of the training images held out, stratified, in [0, 1).
        seed: of the choice of these, and of subsets.
        image_size: side or (height, width), in pixels, of what images of any size become; 224
            if not given. Images that have one size keep it.
        train_images: take so many of the training images, stratified, before the
            validation part is held out; all if not given.
        test_images: the same of the test images.
        skip_unreadable: leave out what cannot be decoded, with a warning, instead of ending
            (`folder:` only).
        color_mode: `"rgb"` or `"grayscale"`: convert images of other modes; what is
            transparent loses its transparency (`folder:` and TFDS only).
        data_dir: folder of prepared TFDS sets; TFDS' own, `~/tensorflow_datasets`, if not given.
        manual_dir: folder of files of a TFDS set that were fetched elsewhere, under the names
            TFDS has for them.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: for an unknown name, for files that do not hold what they have to, or a
            TFDS set that can neither be found nor downloaded.
    """
    check_name(name, data_dir)
    kind = _kind(name)
    _check_options(validation, train_images, test_images, color_mode)
    _check_belonging(name, kind, skip_unreadable, color_mode, data_dir, manual_dir)
    size = _height_width(image_size)
    if kind == "digits":
        parts, classes = load_digits()
    elif kind == "npz":
        parts, classes = load_npz(Path(name.removeprefix("npz:")))
    elif kind == "folder":
        path = Path(name.removeprefix("folder:"))
        parts, classes = load_folder(path, size, skip_unreadable, color_mode)
    else:
        from cctzoo.data.tfds import load_tfds  # not before: it needs TFDS

        parts, classes = load_tfds(name, size, color_mode, data_dir, manual_dir)
    x_train, y_train, x_test, y_test = parts
    _check_size(name, x_train, image_size)
    x_train, y_train = _take(x_train, y_train, "train_images", train_images, seed)
    x_test, y_test = _take(x_test, y_test, "test_images", test_images, seed)
    kept, held = hold_out(y_train, validation, seed)
    return Dataset(
        name, classes, x_train[kept], y_train[kept], x_train[held], y_train[held], x_test, y_test
    )


def _kind(name):
    if name == "digits":
        return name
    return name.partition(":")[0] if name.startswith(("npz:", "folder:")) else "tfds"


def _check_options(validation, train_images, test_images, color_mode):
    if not 0 <= validation < 1:
        raise ValueError(
            f"`validation` must be a part, in [0, 1). Received: validation={validation}"
        )
    for key, count in {"train_images": train_images, "test_images": test_images}.items():
        if count is not None and operator.index(count) < 1:
            raise ValueError(f"`{key}` must be 1 or more. Received: {key}={count}")
    if color_mode not in (None, "rgb", "grayscale"):
        raise ValueError(
            f"`color_mode` must be 'rgb', 'grayscale' or None. Received: color_mode={color_mode!r}"
        )


def _check_belonging(name, kind, skip_unreadable, color_mode, data_dir, manual_dir):
    """Options that this kind of set would swallow in silence are errors."""
    given = {
        "skip_unreadable": (skip_unreadable, ("folder",)),
        "color_mode": (color_mode, ("folder", "tfds")),
        "data_dir": (data_dir, ("tfds",)),
        "manual_dir": (manual_dir, ("tfds",)),
    }
    for key, (value, kinds) in given.items():
        if value and kind not in kinds:
            raise ValueError(
                f"`{key}` is for data sets of kind {' or '.join(kinds)} alone. "
                f"Received: {key}={value!r}, name={name!r}"
            )
    if manual_dir and not Path(manual_dir).expanduser().is_dir():
        raise ValueError(f"`manual_dir` must be a folder. Received: manual_dir={manual_dir!r}")


def _height_width(image_size):
    size = DEFAULT_SIZE if image_size is None else image_size
    size = (size, size) if np.ndim(size) == 0 else tuple(size)
    whole = all(isinstance(side, int | np.integer) and side >= 1 for side in size)
    if len(size) != 2 or not whole:
        raise ValueError(
            "`image_size` must be a side or (height, width), whole numbers from 1 on. "
            f"Received: image_size={image_size!r}"
        )
    return tuple(map(int, size))


def _check_size(name, x, image_size):
    own = tuple(x.shape[1:3])
    if image_size is not None and _height_width(image_size) != own:
        raise ValueError(
            "Images that all have one size keep it: `image_size` must be that or None. "
            f"Received: image_size={image_size!r}, name={name!r} of {own[0]}x{own[1]}"
        )


def _take(x, y, key, count, seed):
    if count is None:
        return x, y
    if count > len(y):
        raise ValueError(
            f"`{key}` must not be more than there are. Received: {key}={count}, images={len(y)}"
        )
    chosen = subset(y, count, seed)
    return x[chosen], y[chosen]


def _pixels(x, most=1000, at_once=50):
    """The pixels of the images, whole or in pieces that fit into memory."""
    if not isinstance(x, EncodedImages):
        yield x
        return
    sample = np.random.default_rng(0).permutation(len(x))[:most]
    for start in range(0, len(sample), at_once):
        yield x.batch(sample[start : start + at_once])
