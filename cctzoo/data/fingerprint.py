"""Fingerprints: what identifies the content of a data set, wherever it is stored."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from cctzoo.data.encoded_images import EncodedImages
from cctzoo.data.samples import Samples
from cctzoo.data.sources.parts import PARTS
from cctzoo.formats.fields import COUNT, COUNTS, OBJECT, TEXT, TEXTS, check_fields

CHUNK = 2**24  # bytes of an array that one thread hashes at a time


def content_hash(x: Samples, y: np.ndarray, classes: Sequence[str]) -> str:
    """Returns the SHA-256, in hexadecimal, of samples in their order, their labels and names.

    Of arrays and texts, the values are hashed. Of `EncodedImages`, the files are hashed, or what
    the source gives in their place; the size and the mode to which they are decoded do not
    matter. Neither do names and folders of files.

    Args:
        x: the samples of a part.
        y: their labels, (n,).
        classes: the class names.
    """
    digest = hashlib.sha256(json.dumps([str(name) for name in classes]).encode())
    digest.update(np.ascontiguousarray(y, "<i8").tobytes())
    for piece in _identity(x):
        digest.update(piece)
    return digest.hexdigest()


def check_fingerprint(found: dict[str, Any]) -> None:
    """Raises ValueError or KeyError unless a value from a file is like a `Dataset.fingerprint`."""
    check_fields(found, {"name": TEXT, "classes": TEXTS, "shape": COUNTS, "parts": OBJECT})
    for part in PARTS:
        check_fields(found["parts"], {part: OBJECT})
        check_fields(found["parts"][part], {"samples": COUNT, "sha256": TEXT})


def changes(then: dict[str, Any], now: dict[str, Any]) -> str:
    """Describes how two results of `Dataset.fingerprint` differ; "" if the data are the same.

    Only the content counts: the same data under another name are the same.
    """
    found = []
    if then["classes"] != now["classes"]:
        found.append(f"the classes were {_few(then['classes'])} and are {_few(now['classes'])}")
    for part, new in now["parts"].items():
        old = then["parts"][part]
        if old != new:
            counts = f"{old['samples']} samples then and {new['samples']} now"
            found.append(f"the {part} part changed ({counts})")
    return "; ".join(found)


def _identity(x: Samples) -> Iterator[bytes]:
    """Yields bytes that differ if the samples differ."""
    if isinstance(x, EncodedImages):
        yield from x.source.identity() if hasattr(x.source, "identity") else _hashes(x.source)
    elif x.dtype == object:  # texts
        for text in x:
            data = text.encode("utf-8", "surrogatepass")  # JSON may hold half a surrogate pair
            yield len(data).to_bytes(8, "little") + data
    else:
        yield f"{x.dtype.str} {x.shape}".encode()
        values = np.ascontiguousarray(x).reshape(-1).view("uint8")
        starts = range(0, len(values), CHUNK)
        yield from _hashes([values[start : start + CHUNK] for start in starts])


def _hashes(pieces: Any) -> Iterable[bytes]:
    """Returns the SHA-256 of each element of a sequence."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda i: hashlib.sha256(pieces[i]).digest(), range(len(pieces))))


def _few(names: list[str], shown: int = 5) -> str:
    return ", ".join(map(repr, names[:shown])) + (", ..." if len(names) > shown else "")
