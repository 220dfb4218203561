"""Safetensors files whose header says what is not so."""

import json

import numpy as np


def safetensors():
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    data = np.ones(2, "<f4").tobytes()
    huge = {**entry, "shape": [10**6, 10**6]}
    lengths, place = "not made of lengths", "does not match its place"
    headers = {
        "10**12 elements": ({"w": huge}, place),
        "10**12 elements with their place": (
            {"w": {**huge, "data_offsets": [0, 4 * 10**12]}},
            "do not end with the file",
        ),
        "place after the end": ({"w": {**entry, "data_offsets": [8, 16]}}, "leave gaps"),
        "negative place": ({"w": {**entry, "data_offsets": [-8, 0]}}, lengths),
        "backwards": ({"w": {**entry, "data_offsets": [8, 0]}}, place),
        "negative shape": ({"w": {**entry, "shape": [-2]}}, lengths),
        "NaN as shape": ({"w": {**entry, "shape": [float("nan")]}}, lengths),
        "2.0 as shape": ({"w": {**entry, "shape": [2.0]}}, lengths),
        "wrong type": ({"w": {**entry, "dtype": "F64"}}, place),
        "unknown type": ({"w": {**entry, "dtype": "os.system"}}, "'os.system' is none of"),
        "type that is a list": ({"w": {**entry, "dtype": ["F32"]}}, "is none of"),
        "overlap": ({"v": entry, "w": entry}, "overlap"),
        "no place": ({"w": {"dtype": "F32", "shape": [2]}}, "has not dtype, shape and"),
        "entry that is a number": ({"w": 1}, "has not dtype, shape and"),
        "metadata that are no texts": ({"__metadata__": {"a": 1}, "w": entry}, "metadata"),
        "a list": ([entry], "no JSON object"),
        "names of paths": ({"../../etc/passwd": entry}, "unexpected ../../etc/passwd"),
    }
    texts = {
        name: (json.dumps(header).encode(), fault) for name, (header, fault) in headers.items()
    }
    twice = b'{"w":%s,"w":%s}' % ((json.dumps(entry).encode(),) * 2)
    texts |= {
        "equal names": (twice, "comes twice"),
        "nested deep": (b"[" * 100_000, "recursion"),
        "a number of 10**5 digits": (b'{"w":' + b"9" * 10**5 + b"}", "limit"),
        "no JSON": (b"{'w': __import__('os')}", "property name"),
        "no UTF-8": (b'{"\xff\xfe": 1}', "decode"),
    }
    for name, (text, fault) in texts.items():
        whole = len(text).to_bytes(8, "little") + text + data
        yield f"safetensors: {name}", whole, ".safetensors", fault
    text = json.dumps({"w": entry}).encode()
    whole = len(text).to_bytes(8, "little") + text + data
    yield "safetensors: cut", whole[:-1], ".safetensors", ""
    yield "safetensors: longer", whole + b"\0", ".safetensors", ""
    yield "safetensors: empty", b"", ".safetensors", ""
    long = (2**63).to_bytes(8, "little") + text
    yield "safetensors: header of 2**63", long, ".safetensors", "length of its header"
