"""Tensors that exceed their storage, or claim more memory than the file has."""

import io
import struct
import zipfile

from tests.weights.hostile.archives import with_pickle


def tensor_pickle(count, shape, strides, offset=b"K\0", key=b"0", kind=b"FloatStorage"):
    """A state dict of one tensor; count, shape, strides and offset are opcodes."""
    storage = b"(X\x07\0\0\0storagectorch\n" + kind + b"\nX" + struct.pack("<I", len(key)) + key
    storage += b"X\x03\0\0\0cpu" + count + b"tQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + offset + shape + strides
    return b"\x80\x02}X\x01\0\0\0w" + tensor + b"\x89}tRs."


def number(value):
    return b"\x8a\x08" + struct.pack("<q", value)


def sizes(*values):
    return b"(" + b"".join(map(number, values)) + b"t"


def tensors(sound):
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        count = archive.getinfo("archive/data/0").file_size // 4
    one, nan = sizes(1), b"(G" + struct.pack(">d", float("nan")) + b"t"
    outside, lengths = "exceeds its storage", "is not a tuple of lengths"
    cases = {
        "10**12 elements": (sizes(10**12), one, outside),
        "10**12 elements, stride 0": (sizes(10**12), sizes(0), outside),
        "stride 0 within a stride": (sizes(count, count), sizes(0, 1), outside),
        "overlapping rows": (sizes(count // 2, 3), sizes(1, 1), outside),
        "2**46 twice": (sizes(2**46, 2**46), sizes(1, 1), outside),
        "one too many": (sizes(count + 1), one, outside),
        "a stride too long": (sizes(2, 2), sizes(count, 1), outside),
        "2**62": (sizes(2**62), one, lengths),
        "negative size": (sizes(-1), one, lengths),
        "negative stride": (sizes(4), sizes(-1), lengths),
        "NaN as size": (nan, one, lengths),
        "NaN as stride": (one, nan, lengths),
        "a string as size": (b"(X\x01\0\0\0at", one, lengths),
        "True as size": (b"(\x88t", one, lengths),
        "not a tuple": (b"K\x01", b"K\x01", lengths),
        "two strides for a side": (sizes(4), sizes(1, 1), lengths),
        "100 dimensions": (sizes(*[1] * 100), sizes(*[1] * 100), "100 dimensions"),
    }
    for name, (shape, strides, fault) in cases.items():
        data = tensor_pickle(number(count), shape, strides)
        yield f"tensor: {name}", with_pickle(sound, data), ".pth", fault
    others = {
        "offset outside": ({"offset": number(count - 3)}, outside),
        "negative offset": ({"offset": number(-4)}, lengths),
        "missing storage": ({"key": b"99"}, "is not in the file"),
        "path as storage": ({"key": b"../../../../etc/passwd"}, "is not in the file"),
        "the pickle as storage": ({"key": b"../data.pkl"}, "is not in the file"),
        "doubles in floats": ({"kind": b"DoubleStorage"}, "does not have the length"),
        "unknown storage": ({"kind": b"QUInt8Storage"}, "'w', which is of 'torch.QUInt8Storage'"),
        "storage of another length": ({"count": number(count - 1)}, "does not have the length"),
        "storage of 10**12 elements": ({"count": number(10**12)}, "does not have the length"),
        "storage without a length": ({"count": b"N"}, "does not have the length"),
        "a sound tensor": ({}, "unexpected w"),
    }
    for name, (changes, fault) in others.items():
        claims = {"count": number(count), "shape": sizes(4), "strides": one, **changes}
        yield f"tensor: {name}", with_pickle(sound, tensor_pickle(**claims)), ".pth", fault
