"""Random damage to files: to bytes, lines, JSON values, NumPy arrays, HDF5 and zip entries."""

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

BOMB = 2**28  # bytes of an entry that unpacks from some hundred kilobytes
DEEP = 100_000  # brackets
# Values in place of those in JSON files. A program that runs one would leave the mark EXECUTED.
ODD = [
    *(None, True, False, 0, -1, 1.5, 1e308, 10**9, 2**63, 10**400, float("nan"), float("inf")),
    *("", "0", "\ud800", "a\0b", "x" * 100_000, "\x1b]0;title\x07", "../../up", "/etc/passwd"),
    *("touch EXECUTED", "__import__('os').system('touch EXECUTED')", "os.system", "(a|aa)+$"),
    *("sh -c 'touch EXECUTED; echo 1 #{model}'", "http://localhost:1/x", "folder:/etc", "float99"),
    *([], {}, [[]], [None], ["a"], [1e308], list(range(5000)), {"a": {"b": {}}}, [10**9] * 3),
    {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"},
    {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__"}}},
]
TEXTS = [b"", b"\0", b"<html>404 not found</html>", b"\xff\xfe\x00", b"PK\x03\x04", b"{" * DEEP]
Tamper = Callable[[random.Random, bytes], bytes]


def tampered(numbers: random.Random, data: bytes, suffix: str, others: list[bytes]) -> bytes:
    """The content of a file with random damage.

    Args:
        numbers: random numbers.
        data: the sound content.
        suffix: of the file, e.g. `".npz"`.
        others: contents of sound files of other kinds.
    """
    way = numbers.random()
    if way < 0.06:
        return numbers.choice(TEXTS)
    if way < 0.1:
        return numbers.choice(others)
    if way < 0.35:
        return damaged(numbers, data)
    return WAYS.get(suffix, damaged)(numbers, data)


def damaged(numbers: random.Random, data: bytes) -> bytes:
    """Bytes changed, exchanged, repeated, removed or cut."""
    changed = bytearray(data)
    for _ in range(numbers.choice((1, 1, 3, 20))):
        at = numbers.randrange(len(changed) + 1)
        length = min(numbers.choice((1, 4, 64)), len(changed) - at)
        way = numbers.choice(("flip", "flip", "other", "ones", "cut", "repeat", "remove", "move"))
        if way == "flip" and length:
            changed[at] ^= 1 << numbers.randrange(8)
        elif way == "other":
            changed[at : at + length] = numbers.randbytes(length)
        elif way == "ones":
            changed[at : at + length] = b"\xff" * length
        elif way == "cut":
            del changed[at:]
        elif way == "repeat":
            changed[at:at] = changed[at : at + length]
        elif way == "remove":
            del changed[at : at + length]
        elif way == "move":
            part = changed[at : at + length]
            del changed[at : at + length]
            to = numbers.randrange(len(changed) + 1)
            changed[to:to] = part
    return bytes(changed)


def json_text(numbers: random.Random, data: bytes) -> bytes:
    """Values of a JSON file removed, doubled, exchanged, or replaced by odd ones."""
    found = json.loads(data)
    way = numbers.random()
    if way < 0.05:
        return b'{"a":' * DEEP + b"1" + b"}" * DEEP
    if way < 0.1:
        return data + b" " * 2**25
    if way < 0.15 and isinstance(found, dict) and found:  # a key twice
        key = numbers.choice(sorted(found))
        return data.strip()[:-1] + f", {json.dumps(key)}: {_text(_odd(numbers))}}}".encode()
    if way < 0.2:
        return numbers.choice((b"\xef\xbb\xbf" + data, data + b"]", b"[" + data + b"]", b"null"))
    for _ in range(numbers.choice((1, 1, 2, 4))):
        found = _changed(numbers, found)
    return _text(found).encode("utf-8", "surrogatepass")


def _changed(numbers, value):
    """The JSON value with one value, at a random place, that is another one."""
    places = list(_places(value))
    if not places:
        return _odd(numbers)
    owner, key = numbers.choice(places)
    way = numbers.random()
    if way < 0.1:
        del owner[key]
    elif way < 0.2:
        other_owner, other_key = numbers.choice(places)
        owner[key] = json.loads(_text(other_owner[other_key]))
    elif way < 0.3 and isinstance(owner, dict):
        owner[numbers.choice(("unknown", "__class__", "", "self"))] = _odd(numbers)
    elif isinstance(owner[key], int | float) and way < 0.5:
        owner[key] = owner[key] * numbers.choice((-1, 0, 2, 10**6, 10**12)) + numbers.choice((0, 1))
    else:
        owner[key] = _odd(numbers)
    return value


def _places(value):
    """(container, key) of every value inside."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    if not isinstance(value, dict | list):
        return
    for key, each in items:
        yield value, key
        if isinstance(each, dict | list):
            yield from _places(each)


def _odd(numbers):
    return json.loads(_text(numbers.choice(ODD)))  # a copy, which later changes do not share


def _text(value: Any) -> str:
    return json.dumps(value)


def lines(numbers: random.Random, data: bytes) -> bytes:
    """Lines and fields of a text file removed, exchanged, or replaced by odd ones."""
    found = data.split(b"\n")
    odd = (
        *(b"", b'"', b"\0", b"\xff", b",,,,", b"nan", b"1e999", b"-1", b"x" * 2**22, b"a\rb"),
        *(b"9" * 5000, b"[" * DEEP, b"{}", b"null", b"text,text,label", b"\xe2\x80\xa8", b"=1+1"),
    )
    for _ in range(numbers.choice((1, 1, 2, 5))):
        at = numbers.randrange(len(found))
        way = numbers.random()
        if way < 0.2:
            found[at] = numbers.choice(odd)
        elif way < 0.7:
            separator = b"," if b"," in data else b" "
            fields = found[at].split(separator)
            fields[numbers.randrange(len(fields))] = numbers.choice(odd)
            found[at] = separator.join(fields)
        elif way < 0.85:
            found[at:at] = [numbers.choice(found)] * numbers.choice((1, 1, 1000))
        elif len(found) > 1:
            del found[at]
    return b"\n".join(found)


def array(numbers: random.Random, data: bytes) -> bytes:
    """A `.npy` entry with another header, or an array of another type or shape."""
    way = numbers.random()
    if way < 0.3:
        return damaged(numbers, data)
    if way < 0.6:
        shape = numbers.choice(((10**9,), (10**5, 10**5), (2**63,), (-1,), (2**31, 0), (1,) * 70))
        kind = numbers.choice(("<f8", "|u1", "|O", "<U10", "|V8", "<M8[s]"))
        header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}"
        if numbers.random() < 0.2:
            header = "__import__('os').system('touch EXECUTED')" + " " * 20
        text = header.encode() + b" " * (-(len(header) + 11) % 64) + b"\n"
        return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data[-64:]
    others = [
        *(np.zeros(0), np.array(1.5), np.array(["a", "b"]), np.zeros((1, 2, 3)), np.array(10**9)),
        *(np.full(4, np.nan), np.array([2**40]), np.array([2**64 - 1]), np.array([True])),
        *(np.array([1 + 2j]), np.array([b"a"]), np.array(["2020"], "M8[D]"), np.array("[" * DEEP)),
        *(np.array([None, {}], object), np.array(json.dumps(numbers.choice(ODD)))),
    ]
    stream = io.BytesIO()
    np.save(stream, numbers.choice(others), allow_pickle=True)
    return stream.getvalue()


def hdf5(numbers: random.Random, data: bytes) -> bytes:
    """An HDF5 file with a data set removed, or of another shape or type, or elsewhere."""
    stream = io.BytesIO(data)
    with h5py.File(stream, "r+") as file:
        names = []
        file.visititems(lambda name, each: names.append(name) if hasattr(each, "shape") else None)
        name = numbers.choice(names)
        del file[name]
        way = numbers.choice(("none", "huge", "type", "shape", "elsewhere", "link", "group"))
        if way == "huge":
            file.create_dataset(name, (2**20, 2**20), "f4", chunks=(2**10, 2**10))
        elif way == "type":
            values = [b"a", 1 + 2j, np.nan, 2**63, "text"]
            file.create_dataset(name, data=numbers.choice(values))
        elif way == "shape":
            file.create_dataset(name, data=np.ones((2, 3, 4)))
        elif way == "elsewhere":
            file[name] = h5py.ExternalLink("/etc/passwd", "/")
        elif way == "link":
            file[name] = h5py.SoftLink(f"/{name}")
        elif way == "group":
            file.create_group(name)
    return stream.getvalue()


def safetensors(numbers: random.Random, data: bytes) -> bytes:
    """A safetensors file with another header, or another description of its model."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    about = header.get("__metadata__", {})
    if numbers.random() < 0.6 and about:
        key = max(about, key=lambda each: len(about[each]))
        about[key] = json_text(numbers, about[key].encode()).decode("utf-8", "replace")
    else:
        header = _changed(numbers, header)
    text = _text(header).encode()
    length = numbers.choice((len(text),) * 8 + (0, 2**40, 2**63, len(text) - 1))
    return length.to_bytes(8, "little") + text + data[8 + size :]


def archive(numbers: random.Random, data: bytes) -> bytes:
    """A zip file with entries changed, exchanged, renamed, removed, doubled or huge.

    What stands before the first entry, such as the graph of a `.tflite` file, remains.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        start = min(info.header_offset for info in old.infolist())
        entries = [(name, old.read(name)) for name in old.namelist()]
    at = numbers.randrange(len(entries))
    name, content = entries[at]
    way = numbers.random()
    compression = zipfile.ZIP_DEFLATED
    if way < 0.5:
        change = WAYS.get(Path(name).suffix, damaged)
        entries[at] = name, change(numbers, content)
    elif way < 0.6:
        entries[at] = numbers.choice(("../", "/tmp/", "C:\\", "x/../../")) + name, content
    elif way < 0.7:
        del entries[at]
    elif way < 0.8:
        entries[at] = name, numbers.choice(entries)[1]
    elif way < 0.85:
        entries.append((name, numbers.choice(entries)[1]))
    elif way < 0.95:
        entries[at] = name, content + bytes(BOMB)
    else:
        entries.append((numbers.choice(("extra", "../../EXECUTED", "__init__.py")), b"1"))
    out = io.BytesIO(data[:start])
    with zipfile.ZipFile(out, "a" if start else "w", compression) as new:
        for name, content in entries:
            new.writestr(zipfile.ZipInfo(name), content, compression)
    return out.getvalue()


WAYS: dict[str, Tamper] = {
    **{".json": json_text, ".csv": lines, ".jsonl": lines, ".txt": lines, ".npy": array},
    **{".h5": hdf5, ".safetensors": safetensors},
    **dict.fromkeys((".keras", ".npz", ".pth", ".tflite"), archive),
}
