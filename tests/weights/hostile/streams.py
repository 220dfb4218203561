"""Pickles that are broken, or that grow when read."""

import struct

from tests.weights.hostile.archives import data_pickle, with_pickle


def streams(sound):
    deep = b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."
    laughs = b"\x80\x02]q\0" + (b"](" + b"h\0" * 9 + b"eq\0") * 40 + b"."
    tuples = b")q\0" + b"h\0h\0\x86q\0" * 60  # a tuple of 2**60 leaves
    call = b"cos\nsystem\nq\0"
    nested = b"h\0)RK\x01" * 8_000 + b"N" + b"s" * 8_000
    cases = {
        "empty": b"",
        "no STOP": b"\x80\x02}",
        "nothing on the stack": b"\x80\x02.",
        "unknown opcode": b"\x80\x02\xff.",
        "memo of 2**31 places": b"\x80\x02Nr\xff\xff\xff\x7f.",
        "string of 2**32 bytes": b"\x80\x02X\xff\xff\xff\xffabc.",
        "bytes of 2**60": b"\x80\x05\x8e" + struct.pack("<Q", 2**60) + b"abc.",
        "bytearray of 2**40": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"abc.",
        "frame of 2**60": b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"}.",
        "number of 2**31 digits": b"\x80\x02\x8b\xff\xff\xff\x7f1.",
        "string that is not UTF-8": b"\x80\x02X\x01\0\0\0\xff.",
        "nested 100,000 deep": deep,
        "a billion laughs": laughs,
        "a key of 2**60 leaves": b"\x80\x02" + tuples + b"}h\0Ns.",
        "items of a list": b"\x80\x02]NNs.",
        "appends to a dict": b"\x80\x02}Na.",
        "a key without a value": b"\x80\x02}(X\x01\0\0\0au.",
        "a missing memo": b"\x80\x02h\x05.",
        "no mark": b"\x80\x02Nt.",
        "a list": b"\x80\x02].",
        "an empty dict": b"\x80\x02}.",
        "a dict of numbers": b"\x80\x02}X\x01\0\0\0aK\x01s.",
        "itself as an item": b"\x80\x02}q\0X\x01\0\0\0ah\0s.",
        "calls a storage": b"\x80\x02ctorch\nFloatStorage\n)R.",
        "calls a list": b"\x80\x02])R.",
        "fills an OrderedDict": b"\x80\x02ccollections\nOrderedDict\n](NNe\x85R.",
        "a tensor of nothing": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
        "40,000 sets": b"\x80\x04](" + b"\x8f" * 40_000 + b"e.",
        "10,000 objects": b"\x80\x02](" + call + b"h\0)R" * 10_000 + b"e.",
        "calls of calls": b"\x80\x02" + call + b")R" * 20_000 + b".",
        "objects nested 8,000 deep": b"\x80\x02" + call + nested + b".",
        "long names": b"\x80\x04X\x50\xc3\0\0"
        + b"a" * 50_000
        + b"q\0]("
        + b"h\0h\0\x93" * 8_000
        + b"e.",
        "10,000 lists of None": b"\x80\x02](" + b"](Ne" * 10_000 + b"e.",
        "8,000 dicts": b"\x80\x02](" + b"}K\x01Ns" * 8_000 + b"e.",
        "a tensor of words": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR.",
    }
    for name, data in cases.items():
        yield f"stream: {name}", with_pickle(sound, data), ".pth", ""
    data = data_pickle(sound)
    for share in (0.1, 0.5, 0.9):
        cut = data[: int(share * len(data))]
        yield f"pickle cut at {share}", with_pickle(sound, cut), ".pth", ""
