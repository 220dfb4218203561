"""Pickles that request a call, by every opcode that can."""

import os
import pathlib
import pickle
import struct
import subprocess

from tests.weights.hostile.archives import data_pickle, with_pickle

# Functions that attacks have called, or could call, from a pickle.
NAMES = """
os system, posix system, nt system, os popen, os execv, os remove, builtins eval, builtins exec,
builtins getattr, builtins __import__, builtins open, builtins compile, __builtin__ eval,
__builtin__ apply, subprocess Popen, subprocess call, subprocess check_output, runpy run_path,
importlib import_module, operator attrgetter, operator methodcaller, functools partial,
functools reduce, types FunctionType, marshal loads, pickle loads, _pickle loads, shutil rmtree,
pty spawn, socket socket, webbrowser open, ctypes CDLL, code InteractiveInterpreter,
timeit timeit, torch load, torch.hub load, torch.storage _load_from_bytes, torch.jit load,
torch._utils _rebuild_device_tensor_from_numpy, numpy load, numpy fromfile,
collections OrderedDict.__class__, collections defaultdict, copyreg _reconstructor,
argparse Namespace.__init__, argparse FileType, torch FloatStorage.from_file,
torch.nn.modules.linear Linear, __main__ Model
"""
NAMES = [name.strip() for name in NAMES.split(",")]


class Call:
    """An object whose pickle requests a call."""

    def __init__(self, function, *arguments):
        self.function = function
        self.arguments = arguments

    def __reduce__(self):
        return self.function, self.arguments


def touching(mark):
    """Objects whose unpickling would create the file `mark`."""
    return {
        "os.system": Call(os.system, f"touch {mark}"),
        "eval": Call(eval, f"open({str(mark)!r}, 'w')"),
        "exec": Call(exec, f"open({str(mark)!r}, 'w')"),
        "subprocess": Call(subprocess.check_output, ["touch", str(mark)]),
        "a path": Call(pathlib.Path(mark).touch),
        "a part of a call": Call(map, Call(exec, f"open({str(mark)!r}, 'w')"), [1]),
    }


def calls(sound, mark):
    """Files of calls alone, which are refused because they hold no tensors."""
    for name in NAMES:
        module, _, attribute = name.partition(" ")
        stream = f"c{module}\n{attribute}\n(X".encode() + struct.pack("<I", 4) + b"truetR."
        asked = f"objects of '{module}.{attribute}'"
        yield f"calls {name}", with_pickle(sound, b"\x80\x02" + stream), ".pth", asked
    for name, call in touching(mark).items():
        for protocol in range(6):
            data = pickle.dumps({"state_dict": call}, protocol)
            asked = "objects of" if protocol else "has DICT"
            yield f"{name}, protocol {protocol}", with_pickle(sound, data), ".pth", asked
        nested = {"a": [1, ({"b": [call]},)], "model": {}}
        yield f"{name}, nested", with_pickle(sound, pickle.dumps(nested, 2)), ".pth", "objects of"
        yield f"{name}, not a zip", pickle.dumps(call, 2), ".pth", "not a complete zip archive"
    touch = f"touch {mark}"
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


def beside(sound, mark):
    """Yields (name, bytes) of sound files with calls beside the state dict, or around it."""
    state = data_pickle(sound)[2:-1]

    def with_object(stream, wrapped=state):
        items = word("state_dict") + wrapped + word("other") + stream
        return with_pickle(sound, b"\x80\x04}(" + items + b"u.")

    for name in NAMES:
        module, _, attribute = name.partition(" ")
        call = f"c{module}\n{attribute}\n".encode() + word("true") + b"\x85R"
        yield f"{name} beside", with_object(call)
    for name, call in touching(mark).items():
        for protocol in range(2, 6):
            yield f"{name} by protocol {protocol}", with_object(pickle.dumps(call, protocol)[2:-1])
    system, argument = b"cos\nsystem\n", word(f"touch {mark}") + b"\x85"
    streams = {
        "REDUCE": system + argument + b"R",
        "NEWOBJ": system + argument + b"\x81",
        "NEWOBJ_EX": system + argument + b"}\x92",
        "STACK_GLOBAL": b"\x8c\x02os\x8c\x06system\x93" + argument + b"R",
        "BUILD of an object": b"cargparse\nNamespace\n)\x81" + system + argument + b"Rb",
        "BUILD by a call": system + argument + b"R}" + word("a") + b"Nsb",
        "call of a call": system + argument + b"R" + argument + b"R",
        "an argument": b"cbuiltins\nlist\n" + system + argument + b"R\x85R",
        "a factory of a defaultdict": b"ccollections\ndefaultdict\n" + system + b"\x85R(NNu",
        "items of a call": system + argument + b"R" + word("a") + b"K\x01s",
        "items of a list": system + argument + b"RNa",
        "a set": b"\x8f(" + system + argument + b"R\x90",
        "a frozenset": b"(" + system + argument + b"R\x91",
        "a key": b"}" + system + argument + b"RNs",
        "a subclass of a tensor": b"ctorch._tensor\n_rebuild_from_type_v2\n("
        + (system + system + argument + b"NtR"),
        "a parameter": b"ctorch._utils\n_rebuild_parameter\n(" + system + argument + b"R\x88NtR",
    }
    for name, stream in streams.items():
        yield f"{name} beside", with_object(stream)
    wrapped = {
        "attributes of the state dict": state + system + argument + b"Rb",
        "a subclass of dict": b"c__main__\nDict\n)\x81(" + state[state.index(b"(") + 1 :],
    }
    for name, stream in wrapped.items():
        yield name, with_object(b"N", stream)


def word(text):
    """The opcode that pushes a string."""
    return b"X" + struct.pack("<I", len(text.encode())) + text.encode()
