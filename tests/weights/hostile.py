"""Files that are not what they say: each a name and bytes, made from a sound checkpoint."""

import io
import json
import os
import pickle
import random
import struct
import subprocess
import zipfile

import numpy as np

# Names that a pickle can call to do harm, as the streams of attacks in the wild have them.
NAMES = [
    *("os system", "posix system", "nt system", "os popen", "os execv", "os remove"),
    *("builtins eval", "builtins exec", "builtins getattr", "builtins __import__"),
    *("builtins open", "builtins compile", "__builtin__ eval", "__builtin__ apply"),
    *("subprocess Popen", "subprocess call", "subprocess check_output", "runpy run_path"),
    *("importlib import_module", "operator attrgetter", "operator methodcaller"),
    *("functools partial", "functools reduce", "types FunctionType", "marshal loads"),
    *("pickle loads", "_pickle loads", "shutil rmtree", "pty spawn", "socket socket"),
    *("webbrowser open", "ctypes CDLL", "code InteractiveInterpreter", "timeit timeit"),
    *("torch load", "torch.hub load", "torch.storage _load_from_bytes", "torch.jit load"),
    *("torch._utils _rebuild_device_tensor_from_numpy", "numpy load", "numpy fromfile"),
    *("collections OrderedDict.__class__", "collections defaultdict", "copyreg _reconstructor"),
    *("argparse Namespace.__init__", "argparse FileType", "torch FloatStorage.from_file"),
    *("torch.nn.modules.linear Linear", "__main__ Model"),
]


class Call:
    """An object whose pickle asks for a call."""

    def __init__(self, function, *arguments):
        self.function = function
        self.arguments = arguments

    def __reduce__(self):
        return self.function, self.arguments


def files(sound, mark):
    """(what is wrong, bytes, suffix, what the error must say) of every file.

    Args:
        sound: bytes of a sound `.pth`.
        mark: a path that calls in the files would create.
    """
    yield from _calls(sound, mark)
    yield from _streams(sound)
    yield from _tensors(sound)
    yield from _archives(sound)
    yield from _safetensors()


def with_pickle(sound, data):
    """The sound file with another data.pkl."""
    return rebuilt(sound, {"archive/data.pkl": data})


def rebuilt(sound, changes=(), compression=zipfile.ZIP_STORED, prefix=""):
    """The sound file with other entries; None leaves one out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sound)) as old, zipfile.ZipFile(out, "w", compression) as new:
        entries = {name: old.read(name) for name in old.namelist()} | dict(changes)
        for name, data in entries.items():
            if data is not None:
                new.writestr(prefix + name, data)
    return out.getvalue()


def _calls(sound, mark):
    for name in NAMES:
        module, _, attribute = name.partition(" ")
        stream = f"c{module}\n{attribute}\n(X".encode() + struct.pack("<I", 4) + b"truetR."
        asked = f"asks for '{module}.{attribute}'"
        yield f"calls {name}", with_pickle(sound, b"\x80\x02" + stream), ".pth", asked
    touch = f"touch {mark}"
    calls = {
        "os.system": Call(os.system, touch),
        "eval": Call(eval, f"open({str(mark)!r}, 'w')"),
        "exec": Call(exec, f"open({str(mark)!r}, 'w')"),
        "subprocess": Call(subprocess.check_output, ["touch", str(mark)]),
    }
    for name, call in calls.items():
        for protocol in range(6):
            data = pickle.dumps({"state_dict": call}, protocol)
            asked = "asks for" if protocol else "holds DICT"
            yield f"{name}, protocol {protocol}", with_pickle(sound, data), ".pth", asked
        nested = {"a": [1, ({"b": [call]},)], "model": {}}
        yield f"{name}, nested", with_pickle(sound, pickle.dumps(nested, 2)), ".pth", "asks for"
        yield f"{name}, not a zip", pickle.dumps(call, 2), ".pth", "no whole zip archive"
    system = b"cos\nsystem\n"
    argument = b"X" + struct.pack("<I", len(touch)) + touch.encode()
    streams = {
        "INST": b"(" + argument + b"ios\nsystem\n.",
        "OBJ": b"(" + system + argument + b"o.",
        "NEWOBJ": system + argument + b"\x85\x81.",
        "NEWOBJ_EX": system + argument + b"\x85}\x92.",
        "a word for a name": b"X\x09\0\0\0os.system" + argument + b"\x85R.",
        "STACK_GLOBAL": b"\x8c\x02os\x8c\x06system\x93" + argument + b"\x85R.",
        "a name of two parts": b"\x8c\x0btorch._util\x8c\x08s.system\x93)R.",
        "EXT1": b"\x82\x01.",
        "persistent id": b"(" + argument + system + b"tQ.",
        "text persistent id": b"Pos.system\n.",
        "state of a dict": b"ccollections\nOrderedDict\n)R" + system + argument + b"\x85Rb.",
    }
    for name, stream in streams.items():
        yield f"call by {name}", with_pickle(sound, b"\x80\x04" + stream), ".pth", "it"


def _streams(sound):
    deep = b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."
    laughs = b"\x80\x02]q\0" + (b"](" + b"h\0" * 9 + b"eq\0") * 40 + b"."
    tuples = b")q\0" + b"h\0h\0\x86q\0" * 60  # a tuple of 2**60 leaves
    streams = {
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
        "text that is no UTF-8": b"\x80\x02X\x01\0\0\0\xff.",
        "nested 100,000 deep": deep,
        "a billion laughs": laughs,
        "a key of 2**60 leaves": b"\x80\x02" + tuples + b"}h\0Ns.",
        "items of a list": b"\x80\x02]NNs.",
        "appends to a dict": b"\x80\x02}Na.",
        "a key without a value": b"\x80\x02}(X\x01\0\0\0au.",
        "a memo that is not there": b"\x80\x02h\x05.",
        "no mark": b"\x80\x02Nt.",
        "a list": b"\x80\x02].",
        "an empty dict": b"\x80\x02}.",
        "a dict of numbers": b"\x80\x02}X\x01\0\0\0aK\x01s.",
        "itself as an item": b"\x80\x02}q\0X\x01\0\0\0ah\0s.",
        "calls a storage": b"\x80\x02ctorch\nFloatStorage\n)R.",
        "calls a list": b"\x80\x02])R.",
        "fills an OrderedDict": b"\x80\x02ccollections\nOrderedDict\n](NNe\x85R.",
        "a tensor of nothing": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
        "a tensor of words": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR.",
    }
    for name, data in streams.items():
        yield f"stream: {name}", with_pickle(sound, data), ".pth", ""
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        data = archive.read("archive/data.pkl")
    for share in (0.1, 0.5, 0.9):
        cut = data[: int(share * len(data))]
        yield f"pickle cut at {share}", with_pickle(sound, cut), ".pth", ""


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


def _tensors(sound):
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        count = archive.getinfo("archive/data/0").file_size // 4
    one, nan = sizes(1), b"(G" + struct.pack(">d", float("nan")) + b"t"
    outside, lengths = "does not lie within its storage", "is not made of lengths"
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
        "a text as size": (b"(X\x01\0\0\0at", one, lengths),
        "True as size": (b"(\x88t", one, lengths),
        "no tuple": (b"K\x01", b"K\x01", lengths),
        "two strides for a side": (sizes(4), sizes(1, 1), lengths),
        "100 dimensions": (sizes(*[1] * 100), sizes(*[1] * 100), "100 dimensions"),
    }
    for name, (shape, strides, fault) in cases.items():
        data = tensor_pickle(number(count), shape, strides)
        yield f"tensor: {name}", with_pickle(sound, data), ".pth", fault
    others = {
        "offset outside": ({"offset": number(count - 3)}, outside),
        "negative offset": ({"offset": number(-4)}, lengths),
        "storage that is not there": ({"key": b"99"}, "is not in the file"),
        "path as storage": ({"key": b"../../../../etc/passwd"}, "is not in the file"),
        "the pickle as storage": ({"key": b"../data.pkl"}, "is not in the file"),
        "doubles in floats": ({"kind": b"DoubleStorage"}, "has not the length"),
        "unknown storage": ({"kind": b"QUInt8Storage"}, "asks for 'torch.QUInt8Storage'"),
        "storage of another length": ({"count": number(count - 1)}, "has not the length"),
        "storage of 10**12 elements": ({"count": number(10**12)}, "has not the length"),
        "storage of no length": ({"count": b"N"}, "has not the length"),
        "a tensor like any other": ({}, "unexpected w"),
    }
    for name, (changes, fault) in others.items():
        claims = {"count": number(count), "shape": sizes(4), "strides": one, **changes}
        yield f"tensor: {name}", with_pickle(sound, tensor_pickle(**claims)), ".pth", fault


def _archives(sound):
    bomb = bytes(10**7)
    changed = {
        "zip bomb": (({"archive/bomb": bomb}, zipfile.ZIP_DEFLATED), "is compressed"),
        "bomb as pickle": (({"archive/data.pkl": bomb}, zipfile.ZIP_BZIP2), "is compressed"),
        "long pickle": (({"archive/data.pkl": bomb},), "data.pkl is longer than"),
        "no data.pkl": (({"archive/data.pkl": None},), "no data.pkl"),
        "two data.pkl": (({"other/data.pkl": b"}."},), "no data.pkl"),
        "a folder upwards": (({}, zipfile.ZIP_STORED, "../"), "no data.pkl"),
        "an absolute name": (({}, zipfile.ZIP_STORED, "/"), "no data.pkl"),
        "a storage missing": (({"archive/data/3": None},), "is not in the file"),
        "a storage cut": (({"archive/data/3": b"1234"},), "has not the length"),
    }
    for name, (changes, fault) in changed.items():
        yield name, rebuilt(sound, *changes), ".pth", fault
    yield "an empty file", b"", ".pth", "no whole zip archive"
    yield "a text", b"<html>404 not found</html>", ".pth", "no whole zip archive"
    old = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
    yield "the old format", old, ".pth", "before PyTorch 1.6"
    for share in (0.02, 0.3, 0.7, 0.99, 0.9999):
        cut = sound[: int(share * len(sound))]
        yield f"file cut at {share}", cut, ".pth", "no whole zip archive"
    places = [place for place in range(len(sound)) if sound.startswith(b"PK\x01\x02", place)]
    same = sound[places[3] + 42 : places[3] + 46]  # where a storage starts
    size = (3 * len(sound)).to_bytes(4, "little")
    directories = {
        "overlapping entries": ({42: same}, "differ"),
        "entries of other lengths": ({20: size, 24: size}, "longer than the file"),
        "entries of 4 GB": ({20: b"\xfe" + b"\xff" * 3, 24: b"\xfe" + b"\xff" * 3}, "longer"),
        "encrypted entries": ({8: b"\x01\0"}, "encrypted"),
        "entries by an unknown method": ({10: b"\x63\0"}, "compressed"),
    }
    for name, (changes, fault) in directories.items():
        file = bytearray(sound)
        for place in places[3:6]:
            for at, value in changes.items():
                file[place + at : place + at + len(value)] = value
        yield name, bytes(file), ".pth", fault


def flipped(sound, count):
    """The sound file with one bit flipped, anywhere."""
    rng = random.Random(0)
    for _ in range(count):
        changed = bytearray(sound)
        changed[rng.randrange(len(sound))] ^= 1 << rng.randrange(8)
        yield bytes(changed)


def _safetensors():
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
