"""Parts: what every data source returns."""

from typing import NamedTuple

import numpy as np

from cctzoo.data.samples import Kind, Samples
from cctzoo.data.splits import hold_out

PARTS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "dev"),
    "test": ("test", "testing"),
}
PART_NAMES = tuple(name for names in PARTS.values() for name in names)


def part_of(name: str) -> str | None:
    """Returns the part that a folder, a column's value or an array is named for.

    Args:
        name: one of `PART_NAMES`, in any case.

    Returns:
        `"train"`, `"validation"`, `"test"`, or None for other names.
    """
    return next((part for part, names in PARTS.items() if name.lower() in names), None)


class Parts(NamedTuple):
    """The samples and labels of a data set, before a validation part is held out.

    Args:
        x_train, x_test: images (n, height, width, channels) uint8, as an array or as
            `EncodedImages`; or texts (n,), an array of str objects.
        y_train, y_test: labels (n,) int64.
        classes: the class names, in the order of the labels.
        validation: (x, y) of the validation part that the source defines, or None.
        groups: (n,) a name per training sample, or None. The samples of one group are held
            out together.
        rows: (n,) the number of each training sample in its source; None: 0, 1, 2, ...
    """

    x_train: Samples
    y_train: np.ndarray
    x_test: Samples
    y_test: np.ndarray
    classes: list[str]
    validation: tuple[Samples, np.ndarray] | None = None
    groups: np.ndarray | None = None
    rows: np.ndarray | None = None

    @property
    def kind(self) -> Kind:
        return "texts" if len(self.x_train.shape) == 1 else "images"


def split_test(x: Samples, y: np.ndarray) -> tuple[Samples, np.ndarray, Samples, np.ndarray]:
    """Splits off a fixed, stratified fifth as the test part.

    Returns:
        (x_train, y_train, x_test, y_test).
    """
    kept, held = hold_out(y, 0.2, seed=0)
    return x[kept], y[kept], x[held], y[held]
