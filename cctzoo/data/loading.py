"""`data.load`: from a name to a `Dataset`."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from cctzoo import limits
from cctzoo.arguments import checked_arguments
from cctzoo.data.dataset import Dataset
from cctzoo.data.division import divide
from cctzoo.data.image_size import ImageSize, height_width
from cctzoo.data.label_file import check_label_file, with_labels
from cctzoo.data.names import check_name
from cctzoo.data.sources import SOURCES, TFDS, find_source
from cctzoo.data.sources.parts import Parts
from cctzoo.data.splits import parse_fold
from cctzoo.messages import received
from cctzoo.plain_values import is_count, is_integer, is_number, is_one_of, plain
from cctzoo.typing import PathLike

COLOR_MODES = (None, "rgb", "grayscale")


@checked_arguments
def load(
    name: str,
    validation: float = 0.1,
    seed: int = 0,
    *,
    fold: str | None = None,
    labels: PathLike | None = None,
    image_size: ImageSize | None = None,
    train_samples: int | None = None,
    test_samples: int | None = None,
    skip_unreadable: bool = False,
    color_mode: str | None = None,
    data_dir: PathLike | None = None,
    manual_dir: PathLike | None = None,
) -> Dataset:
    """Loads an image or a text data set by name.

    Image data sets:

    - `"digits"`: scikit-learn's 1,797 handwritten digits, resized to 16x16. They need no
      download. A fixed fifth is the test part.
    - `"npz:PATH"`: a file with uint8 images `x_train`, `x_test`, (n, height, width) or (n,
      height, width, channels), with labels `y_train`, `y_test`, (n,) or (n, 1), and optionally
      with a validation part `x_validation`, `y_validation` and the class names as `names`. Parts
      may be named as the folders below. Other arrays are reported in a warning. Labels are
      numbers of classes from 0; without `names`, there must be fewer classes than training images.
    - `"folder:PATH"`: a folder of the parts `train` (or `training`), `validation` (`val`,
      `valid`, `dev`) and `test` (`testing`), in any case, each with one folder per class; or the
      class folders directly. Without a test part, a fixed fifth of the training images is the
      test part. A folder is a part if it has one of these names and holds folders; any other
      folder next to it, two folders of one part, a missing training part, and a class that is
      missing in it are refused. A class that is missing only in another part is reported in a
      warning. Class folders hold images, of any size, in the formats AVIF, BMP, GIF, ICO, JPEG,
      JPEG 2000, PCX, PNG, PPM, PSD, QOI, SGI, TGA, TIFF and WebP; of animations, the first frame
      is used. Files without a suffix are read if they are such images. Hidden files and those of
      operating systems are ignored; all others are counted in one warning. Classes are sorted by
      name, capitals first. Every image is decoded once when the data set is loaded, to find
      unreadable files. Images are rotated as their EXIF orientation says (see `View`).
    - `"webdataset:PATH"`: a folder of uncompressed tar files (shards) in the layout of WebDataset,
      or of folders of them. The files of a sample have the same name up to the first dot: one
      image, in the formats above, and the label in a file `.cls`, or as `"label"` in a file
      `.json`. Labels are the numbers of the classes, from 0, or their names. A file
      `classnames.txt` in PATH may name the classes, one per line. The name of a shard, or of its
      folder, contains the name of a part (`imagenet-train-0000.tar`, `val/00.tar`); if none does,
      all are the training part. Without a test part, a fixed fifth of the training images is the
      test part. Other files of a sample are not read. Images are read from the shards on demand;
      nothing is unpacked.

    Text data sets:

    - `"docstrings"`: about 4,100 sentences from the docstrings of ten modules of the Python
      standard library (170 to 810 per module). The class is the module. No sentence occurs
      twice. All sentences of one class or function are in the same part. The test part is
      always the same fifth. The sentences depend slightly on the version of Python.
    - `"csv:PATH"`: a UTF-8 file whose first line names the columns, among them `text` and
      `label`. A column `split` with the values `train`, `validation` and `test`, or the other
      names of parts above, defines the parts. Without `split`, a fixed fifth is the test part.
      Other columns are ignored. Classes are sorted as numbers if all labels are integers,
      otherwise by name, capitals first.
    - `"jsonl:PATH"`: the same with one JSON object per line.

    Any other name is a set of TensorFlow Datasets, with images or texts (`cifar10`,
    `oxford_flowers102`, `imagenet2012`, `ag_news_subset`, `imdb_reviews`,
    `name/configuration:version`, ...). It is downloaded and prepared in `data_dir` if
    necessary. Its `test` split is the test part, and its `validation` split joins the training
    part. Without a labelled `test` split, `validation` is the test part; without both, a fixed
    fifth of `train`. Other splits are not used; the log names them. Images are not rotated. In
    a set without `image`, all features of type Text are joined by a space, `title` first and
    then in alphabetical order. The label is the feature `label`, or the first class label in
    alphabetical order.

    The path of an existing `.npz`, `.csv` or `.jsonl` file, or of an existing folder, written with
    a separator (`photos/`), stands for the name with its prefix.

    Args:
        name: see above.
        validation: the share of the training samples to hold out, stratified, in [0, 1). It is
            ignored where the source itself defines the validation part (`npz:`, `folder:`,
            `webdataset:`, `csv:` and `jsonl:`).
        seed: seed of the samples that are held out or selected.
        fold: the fold of a cross-validation that is the validation part, e.g. `"2/5"` for the
            second of five. The folds are stratified and hold every training sample once. A
            validation part that the source defines is then not used. Default: none.
        labels: path of a CSV file with other labels for some training samples: their numbers,
            from 0, in the column `sample`, their classes in the data set in `given` and the new
            ones in `label`, where an empty field leaves the sample out. A column `hash` guards
            against other data. `cctzoo check-labels` writes such a file. Default: none.
        image_size: one side or (height, width) in pixels, to which images of any size are
            resized. Default: 224. Images that all have the same size are not resized.
        train_samples: the number of training samples to keep, stratified, before the
            validation part is held out. Default: all.
        test_samples: the number of test samples to keep, stratified. Default: all.
        skip_unreadable: skip images that cannot be decoded, with a warning (`folder:` and
            `webdataset:` only).
        color_mode: `"rgb"` or `"grayscale"`, to which images of other modes are converted.
            Transparency is dropped (`folder:`, `webdataset:` and TFDS only). Default: grey if no
            image has colours, otherwise RGB, with a warning if images are converted.
        data_dir: folder of prepared TFDS sets. Default: TFDS' own, `~/tensorflow_datasets`.
        manual_dir: folder with the files of a TFDS set that were fetched on another machine,
            under the names that TFDS expects.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: if the name is unknown, the files are invalid, an option does not apply to
            the data set, or TFDS can neither find nor download the set.

    Example:

    ```python
    import cctzoo

    dataset = cctzoo.data.load("digits", validation=0.2, train_samples=500)
    print(dataset.kind, dataset.x_train.shape, dataset.x_validation.shape)
    # images (400, 16, 16, 1) (100, 16, 16, 1)
    ```
    """
    validation, seed = plain("validation", validation), plain("seed", seed)
    if not is_number(validation) or not 0 <= validation < 1:
        raise ValueError(f"`validation` must be in [0, 1). {received(validation=validation)}")
    if not is_integer(seed) or seed < 0:
        raise ValueError(f"`seed` must be an integer of at least 0. {received(seed=seed)}")
    if fold is not None:
        parse_fold(fold)
    train_samples = _checked_count("train_samples", train_samples)
    test_samples = _checked_count("test_samples", test_samples)
    parts = load_parts(
        name,
        labels=labels,
        image_size=image_size,
        color_mode=color_mode,
        skip_unreadable=skip_unreadable,
        data_dir=data_dir,
        manual_dir=manual_dir,
    )
    return divide(
        parts,
        name,
        validation,
        seed,
        train_samples=train_samples,
        test_samples=test_samples,
        fold=fold,
    )


def _checked_count(key, count):
    count = plain(key, count)
    if count is not None and not is_count(count):
        raise ValueError(f"`{key}` must be at least 1. {received(**{key: count})}")
    return count


def load_parts(name: str, labels: PathLike | None = None, **options: Any) -> Parts:
    """Loads the samples of a data set before they are divided.

    Args:
        name, labels: as in `load`.
        options: the keywords of `load` that are for some sources only, e.g. `image_size`.

    Raises:
        ValueError: as in `load`.
    """
    check_name(name, options.get("data_dir"))
    color_mode = options.get("color_mode")
    if not is_one_of(color_mode, COLOR_MODES):
        raise ValueError(
            f"`color_mode` must be one of {COLOR_MODES}. {received(color_mode=color_mode)}"
        )
    height_width(options.get("image_size"))
    if labels is not None:
        check_label_file(labels)
    source, arguments = find_source(name)
    _check_supported(name, source, options)
    parts = source.load(
        *arguments, **{key: options[key] for key in source.options if key in options}
    )
    _check_classes(name, parts.classes)
    _warn_of_dark_pixels(name, parts)
    return parts if labels is None else with_labels(parts, labels)


def _check_supported(name, source, options):
    """Raises ValueError for an option that the source would ignore."""
    for key, value in options.items():
        if value is not None and value is not False and key not in source.options:
            forms = [each.form for each in (*SOURCES, TFDS) if key in each.options]
            raise ValueError(
                f"`{key}` is only for data sets of the form {' or '.join(forms)}. "
                f"Received: {key}={value!r}, name={name!r}"
            )
    manual_dir = options.get("manual_dir")
    if manual_dir and not Path(manual_dir).expanduser().is_dir():
        raise ValueError(
            f"`manual_dir` must be a folder that exists. Received: manual_dir={manual_dir!r}"
        )


def _check_classes(name, classes):
    """Raises ValueError for too many classes, and for names that no file and no plot can hold."""
    limits.check("labels", len(classes), "The number of classes", name=name, classes=len(classes))
    for each in classes:
        try:
            each.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(
                "The name of a class must be valid Unicode: rename its folder or change its label. "
                f"{received(name=name, label=each)}"
            ) from error


def _warn_of_dark_pixels(name, parts):
    """Warns of arrays that were probably scaled to 0..1 before they became integers."""
    x_validation = parts.validation and parts.validation[0]
    arrays = {"x_train": parts.x_train, "x_validation": x_validation, "x_test": parts.x_test}
    dark = [
        key
        for key, x in arrays.items()
        if isinstance(x, np.ndarray) and x.dtype == np.uint8 and x.size and x.max() <= 1
    ]
    if dark:
        warnings.warn(
            "Pixels must be from 0 to 255, and 0 and 1 are both black. All pixels are 0 or 1 in "
            f"{', '.join(dark)} of {name!r}",
            stacklevel=5,
        )
