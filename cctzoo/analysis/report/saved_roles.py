"""The file of the roles of heads: offsets of attention, and class directions."""

import json

import numpy as np

from cctzoo.analysis.roles.directions import ClassDirections
from cctzoo.analysis.roles.offsets import HeadOffsets
from cctzoo.formats.atomic import atomic_file
from cctzoo.formats.fields import Rule, check_fields
from cctzoo.formats.npz_file import open_npz, read_object
from cctzoo.formats.reading import reading
from cctzoo.formats.stored_array import is_count
from cctzoo.typing import PathLike

WHAT = "the roles of an analysis that `HeadReport.save` wrote"
STEP = Rule("a positive count", lambda value: is_count(value) and value > 0)
DIRECTIONS = ("labels", "explained", "gains", "raised")


def save_roles(path: PathLike, offsets: HeadOffsets, directions: ClassDirections) -> None:
    """Writes offsets and directions as `.npz`."""
    arrays = {"pairs": offsets.pairs, "equal": offsets.equal}
    for block, maps in offsets.maps.items():
        arrays[f"{block:02d}/maps"] = maps
        for name in DIRECTIONS:
            arrays[f"{block:02d}/{name}"] = getattr(directions, name)[block]
    with atomic_file(path) as draft:
        np.savez_compressed(draft, head=json.dumps({"step": offsets.step}), **arrays)


def load_roles(path: PathLike) -> tuple[HeadOffsets, ClassDirections]:
    """Reads a file that `save_roles` wrote, without running pickled code.

    Raises:
        ValueError: if the file is broken. The error names the file and the entry.
    """
    with open_npz(path, WHAT) as stored, reading(path, WHAT):
        head = read_object(stored["head"])
        check_fields(head, {"step": STEP})
        arrays = {name: np.asarray(each) for name, each in stored.items() if name != "head"}
        blocks = sorted({int(name.split("/")[0]) for name in arrays if "/" in name})
        pairs, equal = arrays["pairs"], arrays["equal"]
        sides = all(side % 2 for side in pairs.shape)
        if pairs.ndim not in (1, 2) or not sides:
            raise ValueError(f"'pairs' must have one or two odd sides, not {pairs.shape}")
        _check("pairs", pairs, pairs.shape, "f")
        _check("equal", equal, pairs.shape, "f")
        for block in blocks:
            count, steps = arrays[f"{block:02d}/labels"].shape
            _check(f"{block:02d}/maps", arrays[f"{block:02d}/maps"], (count, *pairs.shape), "f")
            for name, shape, kinds in (
                ("labels", (count, steps), "i"),
                ("explained", (count, steps), "f"),
                ("gains", (count, steps), "f"),
                ("raised", (count,), "i"),
            ):
                _check(f"{block:02d}/{name}", arrays[f"{block:02d}/{name}"], shape, kinds)
        maps = {block: arrays[f"{block:02d}/maps"] for block in blocks}
        found = [{block: arrays[f"{block:02d}/{each}"] for block in blocks} for each in DIRECTIONS]
        return HeadOffsets(maps, pairs, equal, head["step"]), ClassDirections(*found)


def _check(name, array, shape, kinds):
    """Raises ValueError unless an array has the shape, a kind of NumPy and finite values."""
    if array.shape != shape or array.dtype.kind not in kinds or not array.size:
        raise ValueError(
            f"{name!r} must have the shape {shape} and a type of kind {kinds!r}, not "
            f"{array.shape} and {array.dtype}"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name!r} must be finite numbers")
