"""Checks HDF5 files from elsewhere before Keras reads them."""

import io
import math
import os
from typing import Any, NamedTuple

import h5py

from cctzoo import limits
from cctzoo.messages import shown
from cctzoo.typing import PathLike

LINKS_PER_LAYER = 100  # Keras writes about 40 for an encoder block: groups and arrays
LAYOUTS = (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT)
KINDS = "fiub"  # NumPy's letters for numbers; bfloat16 and float8 are opaque ("V")


class Contents(NamedTuple):
    """What an HDF5 file holds.

    Args:
        arrays: number of arrays.
        numbers: the most weights that they can hold: int4 packs two in one byte.
    """

    arrays: int
    numbers: int


def check_hdf5(file: PathLike | io.BytesIO) -> Contents:
    """Checks that a file has the form in which Keras writes weights.

    That is a tree of groups and arrays of numbers, which are stored whole in the file: no link
    to another place or file, no array that is compressed, or made of other files.

    Raises:
        ValueError: if the file has another form, is larger than the limits allow, or claims
            arrays that it does not hold.
        OSError: if the file is not an HDF5 file.
    """
    size = len(file.getbuffer()) if isinstance(file, io.BytesIO) else os.stat(file).st_size
    with h5py.File(file, "r") as opened:
        names = _names(opened.id)
        arrays = [each for each in (_array(opened.id, name) for name in names) if each]
    stored = sum(storage for storage, _ in arrays)
    if stored > size:
        raise ValueError(f"its arrays overlap: {stored} bytes in a file of {size}")
    return Contents(len(arrays), sum(numbers for _, numbers in arrays))


def _names(root):
    """The paths of all groups and arrays."""
    most = LINKS_PER_LAYER * limits.current().layers
    names, links = [], []

    def visit(name: bytes, info: Any) -> bool | None:  # True ends the visit; h5py allows no error
        (names if info.type == h5py.h5l.TYPE_HARD else links).append(name)
        return True if links or len(names) > most else None

    root.links.visit(visit, info=True)
    if links:
        raise ValueError(f"it has a link to another place or file, at {_shown(links[0])}")
    limits.check(
        "layers",
        -(-len(names) // LINKS_PER_LAYER),
        f"The groups and arrays of an HDF5 file, {LINKS_PER_LAYER} for each layer,",
        count=len(names),
    )
    return names


def _array(root, name):
    """(bytes in the file, most weights) of an array; None for a group."""
    place = h5py.h5o.open(root, name)
    if h5py.h5o.get_info(place).rc != 1:
        raise ValueError(f"it has two links to the same object, at {_shown(name)}")
    if isinstance(place, h5py.h5g.GroupID):
        return None
    if not isinstance(place, h5py.h5d.DatasetID):
        raise ValueError(f"it has an object that is not an array or a group, at {_shown(name)}")
    properties = place.get_create_plist()
    if properties.get_layout() not in LAYOUTS or properties.get_external_count():
        raise ValueError(
            f"its array {_shown(name)} is compressed, chunked or in another file, which Keras "
            "does not write"
        )
    kind = place.dtype
    if not (kind.kind in KINDS or (kind.kind == "V" and kind.names is None and kind.itemsize < 3)):
        raise ValueError(f"its array {_shown(name)} does not hold numbers, but {shown(str(kind))}")
    count, storage = math.prod(place.shape or ()), place.get_storage_size()
    if place.shape is None or count * kind.itemsize > storage:
        raise ValueError(
            f"its array {_shown(name)} is larger than the file: {shown(place.shape)} numbers of "
            f"{kind.itemsize} bytes, stored in {storage} bytes"
        )
    return storage, count * (2 if kind.itemsize == 1 else 1)


def _shown(name):
    return shown(name.decode("utf-8", "replace"))
