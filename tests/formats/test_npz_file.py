"""`open_npz`: what is read of a `.npz` file, and which files are refused before they are."""

import io
import struct
import zipfile

import numpy as np
import pytest

from cctzoo.formats.npz_file import load_npy, open_npz, read_object

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files
HEADER = "{'descr': %r, 'fortran_order': False, 'shape': %s}"


def npy(header, values=b"", version=1):
    head = header if isinstance(header, bytes) else (HEADER % header).encode()
    size = struct.pack("<H" if version == 1 else "<I", len(head))
    return b"\x93NUMPY" + bytes([version, 0]) + size + head + values


def archive(*contents, method=zipfile.ZIP_STORED):
    """The bytes of an archive with the entries a.npy, b.npy, ..."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, content in zip("abcdef", contents, strict=False):
            file.writestr(f"{name}.npy", content)
    return stream.getvalue()


def changed(data, position, value):
    return data[:position] + value + data[position + len(value) :]


def zeros(count):
    stream = io.BytesIO()
    np.savez_compressed(stream, a=np.zeros(count, "uint8"))
    return stream.getvalue()


SOUND = archive(npy(("<f4", "(2,)"), bytes(8)), npy(("<i8", "()"), bytes(8)))
DIRECTORY = SOUND.index(b"PK\x01\x02")
PACKED = zeros(100)
BROKEN = {
    "empty": (b"", "File is not a zip file"),
    "cut": (SOUND[:-30], "File is not a zip file"),
    "checksum": (changed(SOUND, SOUND.index(b"}") + 2, b"x"), "'a': Bad CRC-32"),
    "encrypted": (changed(SOUND, DIRECTORY + 8, b"\x01"), "'a.npy' is encrypted"),
    "method": (archive(b"", method=zipfile.ZIP_BZIP2), "'a.npy' is neither stored nor deflated"),
    "two sizes": (changed(SOUND, DIRECTORY + 20, b"\xff" * 3), "'a.npy' has two sizes"),
    "larger than the file": (
        changed(PACKED, PACKED.index(b"PK\x01\x02") + 20, b"\xff" * 3),
        "larger than the file",
    ),
    "466 GiB claimed": (archive(npy(("<f4", "(125000000000,)"))), "do not fit its 0 bytes"),
    "unpacks 900 times": (zeros(2**25), r"limit `unpacking`.*unpacked=33554560"),
    "negative": (archive(npy(("<f4", "(-2,)"))), r"shape=\(-2,\)"),
    "endless": (archive(npy(("<f4", f"({10**30},)"))), "shape="),
    "no dict": (archive(npy(b"[]")), "'a': Header is not a dictionary"),
    "deep": (archive(npy(b"(" * 9000)), "its array 'a': "),
    "long header": (archive(npy(b" " * 70000 + b"{}", version=2)), "its array 'a': "),
    "version": (archive(changed(npy(("<f4", "()")), 6, b"\x03")), r"is \(3, 0\), not"),
    "no header": (archive(b"text"), "its array 'a': "),
    "type": (archive(npy((7, "()"))), "its array 'a': "),
    "object": (archive(npy(("|O", "(2,)"), b"cos\nsystem\n.")), "Object arrays cannot be loaded"),
    "structured": (archive(npy(([("x", "|O")], "(1,)"), b"N.")), "Object arrays cannot be loaded"),
}


def read_all(path):
    with open_npz(path, "a set") as arrays:
        return {name: np.asarray(array) for name, array in arrays.items()}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_twice_the_same_entry(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        for _ in range(2):
            file.writestr("a.npy", npy(("<f4", "()"), bytes(4)))
    with pytest.raises(ValueError, match=r"'a\.npy' occurs twice"):
        read_all(tmp_path / "a.npz")


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused(name, tmp_path):
    data, message = BROKEN[name]
    path = tmp_path / "some.npz"
    path.write_bytes(data)
    match = rf"`path` must be a set\. Received: .*some\.npz.*{message}"
    with pytest.raises(ValueError, match=match):
        read_all(path)


def test_arrays_are_read_on_demand(tmp_path):
    arrays = {"x": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "deep/y": np.array(["a", "bc"])}
    np.savez(tmp_path / "a.npz", **arrays, z=np.array([None]), empty=np.zeros((0, 3)))
    with open_npz(tmp_path / "a.npz", "a set") as found:
        assert found["z"].dtype == "object"
        assert (found["x"].shape, found["x"].dtype) == ((2, 3), "float64")
        for name, array in arrays.items():
            np.testing.assert_array_equal(np.asarray(found[name]), array)
        assert np.asarray(found["empty"]).shape == (0, 3)


def test_objects_in_arrays(tmp_path):
    sound, number, numbers = np.array('{"a": 1}'), np.array(1), np.array(["{}", "{}"])
    np.savez(tmp_path / "a.npz", sound=sound, number=number, numbers=numbers, odd=np.array("[]"))
    with open_npz(tmp_path / "a.npz", "a set") as found:
        assert read_object(found["sound"]) == {"a": 1}
        for name in ("number", "numbers", "odd"):
            with pytest.raises(ValueError, match="it must be"):
                read_object(found[name])


def test_npy(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(3))
    np.testing.assert_array_equal(load_npy(path, "labels"), [0, 1, 2])
    for data in (b"", path.read_bytes()[:-1], npy(("<i8", "(99999999999,)")), npy(("|O", "()"))):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"must be labels\. Received: path='.*a\.npy"):
            load_npy(path, "labels")
