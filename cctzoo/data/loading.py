"""Loads a data set by name."""

from pathlib import Path

from cctzoo.data.dataset import Dataset
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
from cctzoo.data.texts import load_texts


def load(
    name,
    validation=0.1,
    seed=0,
    *,
    image_size=None,
    train_samples=None,
    test_samples=None,
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
        train_samples: take so many of the training images or texts, stratified, before the
            validation part is held out; all if not given.
        test_samples: the same of those of the test part.
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
    kind = kind_of(name)
    check_options(validation, train_samples, test_samples, color_mode)
    size = height_width(image_size)
    check_supported(name, image_size, skip_unreadable, color_mode, data_dir, manual_dir)
    if kind in TEXTS:
        return load_texts(name, validation, seed, train_samples, test_samples)
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
    texts = len(x_train.shape) == 1
    if not texts:
        check_size(name, x_train, image_size)
    train = choose(y_train, "train_samples", train_samples, seed)
    test = choose(y_test, "test_samples", test_samples, seed)
    x_train, y_train, x_test, y_test = x_train[train], y_train[train], x_test[test], y_test[test]
    kept, held = hold_out(y_train, validation, seed)
    return Dataset(
        name,
        classes,
        x_train[kept],
        y_train[kept],
        x_train[held],
        y_train[held],
        x_test,
        y_test,
        kind="texts" if texts else "images",
    )
