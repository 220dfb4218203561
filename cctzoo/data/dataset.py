"""Data sets, split into training, validation and test part."""

import dataclasses
from pathlib import Path

import numpy as np

from cctzoo.data.encoded_images import EncodedImages
from cctzoo.data.names import check_name
from cctzoo.data.options import (
    TEXTS,
    check_options,
    check_size,
    check_supported,
    height_width,
    kind_of,
)
from cctzoo.data.sources.digits import load_digits
from cctzoo.data.sources.folder import load_folder
from cctzoo.data.sources.npz import load_npz
from cctzoo.data.splits import choose, hold_out
from cctzoo.data.texts import TextDataset, load_texts

__all__ = ["Dataset", "check_name", "load"]

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
    """Loads a data set of images or of texts.

    Names, of images:

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

    Of texts:

    - `"docstrings"`: about 4,100 sentences that the Python standard library says about its
      own classes and functions, read from its sources; the class is which of ten modules a
      sentence is of (170 to 810 each). No sentence is there twice, and what is said about
      one class or function is in one part: about a fifth of these are the test part, always
      the same ones, and `validation` holds out others, whole. The texts depend a little on
      the version of Python.
    - `"csv:PATH"`: a UTF-8 file whose first line names the columns, `text` and `label` among
      them; other columns are ignored but `split`, each of whose fields is `train`,
      `validation` or `test`. Its validation part is then that of the result, whatever
      `validation` is. Without `split` a fixed fifth is the test part. Classes are in the
      order of numbers if all labels are whole ones, else of names, capitals first.
    - `"jsonl:PATH"`: the same with a JSON object per line.

    And of both, any other word: that set of TensorFlow Datasets (`cifar10`,
    `oxford_flowers102`, `imagenet2012`, `ag_news_subset`, `imdb_reviews`,
    `name/configuration:version`, ...), downloaded and prepared in `data_dir` if it is not
    there. Its `test` split is the test part and its `validation` split joins the training
    part; without a labelled `test`, `validation` is the test part, else a fixed fifth of
    `train`; other splits are ignored. Where there is no `image`, it is the features that are
    texts which count, `title` first, the others by the alphabet, joined by a space; the
    label is `label`, or the first by the alphabet that has classes.

    Args:
        name: see above.
        validation: part of the training samples held out, stratified, in [0, 1).
        seed: of the choice of these, and of subsets.
        image_size: side or (height, width), in pixels, of what images of any size become; 224
            if not given. Images that have one size keep it.
        train_images: take so many of the training images or texts, stratified, before the
            validation part is held out; all if not given.
        test_images: the same of those of the test part.
        skip_unreadable: leave out what cannot be decoded, with a warning, instead of ending
            (`folder:` only).
        color_mode: `"rgb"` or `"grayscale"`: convert images of other modes; what is
            transparent loses its transparency (`folder:` and TFDS only).
        data_dir: folder of prepared TFDS sets; TFDS' own, `~/tensorflow_datasets`, if not given.
        manual_dir: folder of files of a TFDS set that were fetched elsewhere, under the names
            TFDS has for them.

    Returns:
        A `Dataset` or a `TextDataset`.

    Raises:
        ValueError: for an unknown name, for files that do not hold what they have to, or a
            TFDS set that can neither be found nor downloaded.
    """
    check_name(name, data_dir)
    kind = kind_of(name)
    check_options(validation, train_images, test_images, color_mode)
    size = height_width(image_size)
    check_supported(name, image_size, skip_unreadable, color_mode, data_dir, manual_dir)
    if kind in TEXTS:
        return load_texts(name, validation, seed, train_images, test_images)
    if kind == "digits":
        parts, classes = load_digits()
    elif kind == "npz":
        parts, classes = load_npz(Path(name.removeprefix("npz:")))
    elif kind == "folder":
        path = Path(name.removeprefix("folder:"))
        parts, classes = load_folder(path, size, skip_unreadable, color_mode)
    else:
        from cctzoo.data.sources.tfds import load_tfds  # not before: it needs TFDS

        parts, classes = load_tfds(name, image_size, color_mode, data_dir, manual_dir)
    x_train, y_train, x_test, y_test = parts
    of_texts = len(x_train.shape) == 1
    if not of_texts:
        check_size(name, x_train, image_size)
    train = choose(y_train, "train_images", train_images, seed)
    test = choose(y_test, "test_images", test_images, seed)
    x_train, y_train, x_test, y_test = x_train[train], y_train[train], x_test[test], y_test[test]
    kept, held = hold_out(y_train, validation, seed)
    return (TextDataset if of_texts else Dataset)(
        name, classes, x_train[kept], y_train[kept], x_train[held], y_train[held], x_test, y_test
    )


def _pixels(x, most=1000, at_once=50):
    """The pixels of the images, whole or in pieces that fit into memory."""
    if not isinstance(x, EncodedImages):
        yield x
        return
    sample = np.random.default_rng(0).permutation(len(x))[:most]
    for start in range(0, len(sample), at_once):
        yield x.batch(sample[start : start + at_once])
