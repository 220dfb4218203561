"""Safetensors files with a wrong header."""

import json

import numpy as np


def safetensors():
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    data = np.ones(2, "<f4").tobytes()
    huge = {**entry, "shape": [10**6, 10**6]}
    lengths, place = "expected usize", "invalid shape, data type, or offset"
    headers = {
        "10**12 elements": ({"w": huge}, place),
        "10**12 elements with their place": (
            {"w": {**huge, "data_offsets": [0, 4 * 10**12]}},
            "file not fully covered",
        ),
        "place after the end": (
            {"w": {**entry, "data_offsets": [8, 16]}},
            "invalid offset for tensor",
        ),
        "negative place": ({"w": {**entry, "data_offsets": [-8, 0]}}, lengths),
        "backwards": ({"w": {**entry, "data_offsets": [8, 0]}}, "invalid offset"),
        "negative shape": ({"w": {**entry, "shape": [-2]}}, lengths),
        "NaN as shape": ({"w": {**entry, "shape": [float("nan")]}}, "expected value"),
        "2.0 as shape": ({"w": {**entry, "shape": [2.0]}}, lengths),
        "wrong type": ({"w": {**entry, "dtype": "F64"}}, place),
        "unknown type": ({"w": {**entry, "dtype": "os.system"}}, "unknown variant `os.system`"),
        "type that is a list": ({"w": {**entry, "dtype": ["F32"]}}, "invalid type: sequence"),
        "overlap": ({"v": entry, "w": entry}, "invalid offset for tensor"),
        "no place": ({"w": {"dtype": "F32", "shape": [2]}}, "missing field `data_offsets`"),
        "entry that is a number": ({"w": 1}, "expected struct TensorInfo"),
        "metadata that are no texts": ({"__metadata__": {"a": 1}, "w": entry}, "expected a string"),
        "a list": ([entry], "invalid type: sequence"),
        "names of paths": ({"../../etc/passwd": entry}, "unexpected ../../etc/passwd"),
    }
    texts = {
        name: (json.dumps(header).encode(), fault) for name, (header, fault) in headers.items()
    }
    twice = b'{"w":%s,"w":%s}' % ((json.dumps(entry).encode(),) * 2)
    float8 = {"w": {"dtype": "F8_E4M3", "shape": [8], "data_offsets": [0, 8]}}
    metadata = b'{"__metadata__":{"a":"b","a":"c"},"w":%s}' % json.dumps(entry).encode()
    texts |= {
        "equal names": (twice, "occurs twice"),
        "equal names in the metadata": (metadata, "occurs twice"),
        "float8": (json.dumps(float8).encode(), "dtype 'F8_E4M3' is not one of F64"),
        "nested deep": (b"[" * 100_000, "invalid type: sequence"),
        "a number of 10**5 digits": (b'{"w":' + b"9" * 10**5 + b"}", "number out of range"),
        "no JSON": (b"{'w': __import__('os')}", "key must be a string"),
        "no UTF-8": (b'{"\xff\xfe": 1}', "invalid UTF-8"),
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
    yield (
        "safetensors: header of 2**63",
        long,
        ".safetensors",
        "The number of bytes of the header must be at most",
    )
