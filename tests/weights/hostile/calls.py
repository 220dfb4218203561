"""Pickles that request a call, by every opcode that can."""

import os
import pickle
import struct
import subprocess

from tests.weights.hostile.archives import with_pickle

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


def calls(sound, mark):
    for name in NAMES:
        module, _, attribute = name.partition(" ")
        stream = f"c{module}\n{attribute}\n(X".encode() + struct.pack("<I", 4) + b"truetR."
        asked = f"uses '{module}.{attribute}'"
        yield f"calls {name}", with_pickle(sound, b"\x80\x02" + stream), ".pth", asked
    touch = f"touch {mark}"
    objects = {
        "os.system": Call(os.system, touch),
        "eval": Call(eval, f"open({str(mark)!r}, 'w')"),
        "exec": Call(exec, f"open({str(mark)!r}, 'w')"),
        "subprocess": Call(subprocess.check_output, ["touch", str(mark)]),
    }
    for name, call in objects.items():
        for protocol in range(6):
            data = pickle.dumps({"state_dict": call}, protocol)
            asked = "uses" if protocol else "has DICT"
            yield f"{name}, protocol {protocol}", with_pickle(sound, data), ".pth", asked
        nested = {"a": [1, ({"b": [call]},)], "model": {}}
        yield f"{name}, nested", with_pickle(sound, pickle.dumps(nested, 2)), ".pth", "uses"
        yield f"{name}, not a zip", pickle.dumps(call, 2), ".pth", "not a complete zip archive"
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
