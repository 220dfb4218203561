"""Reads the pickle in a PyTorch checkpoint as data: nothing in it is ever called.

`pickle.Unpickler` is not used, not even with a restricted `find_class`: it allocates the sizes
that a hostile stream claims (a memo of 2**31 places, a string of 2**40 bytes) before it checks
them. Here the standard library splits the stream into opcodes, and the opcodes of a state dict
are executed on lists, dicts and tuples. Each opcode allocates no more than its bytes justify.
"""

import pickletools
from collections.abc import Callable, Iterable
from typing import Any

CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
LITERALS = {
    "BININT",
    "BININT1",
    "BININT2",
    "LONG1",
    "LONG4",
    "BINFLOAT",
    "BINUNICODE",
    "SHORT_BINUNICODE",
    "BINUNICODE8",
    "SHORT_BINBYTES",
    "BINBYTES",
    "BINBYTES8",
}
EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
ACTIONS = {  # each is a method of `_Machine`, by its name in lower case
    "MARK",
    "TUPLE",
    "TUPLE1",
    "TUPLE2",
    "TUPLE3",
    "APPEND",
    "APPENDS",
    "SETITEM",
    "SETITEMS",
    "BINPUT",
    "LONG_BINPUT",
    "MEMOIZE",
    "BINGET",
    "LONG_BINGET",
    "GLOBAL",
    "STACK_GLOBAL",
    "REDUCE",
    "NEWOBJ",
    "BUILD",
    "BINPERSID",
}
# The globals that a state dict needs. They are handled as names and never imported. The
# arguments of a training script are an argparse.Namespace, which becomes an empty dict.
CONTAINERS = {"collections.OrderedDict", "argparse.Namespace"}
KNOWN = {
    *CONTAINERS,
    "torch.Size",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
}


class Name(str):
    """A global in the stream; its type distinguishes it from the strings in the stream."""


def read_pickle(data: bytes, storages: Iterable[str], tensor: Callable[..., Any]) -> Any:
    """The value in a pickle, as dicts, lists, tuples and plain values.

    Args:
        data: the pickle.
        storages: names of storage types, e.g. `"torch.FloatStorage"`.
        tensor: is called with (storage name, key, count, offset, shape, strides), which are
            not checked before, and returns the value that represents the tensor. It must raise
            ValueError if the arguments do not describe a tensor.

    Raises:
        ValueError: if the pickle has an unknown global or an opcode that a state dict does not
            need, or is truncated or invalid. The message is a phrase about the pickle.
    """
    try:
        return _Machine(KNOWN | set(storages), set(storages), tensor).run(data)
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("its pickle is invalid") from error


class _Machine:
    """A stack, the stacks that were set aside at marks, and a memo."""

    def __init__(self, known, storages, tensor):
        self.known = known
        self.storages = storages
        self.tensor = tensor
        self.stack = []
        self.aside = []
        self.memo = {}

    def run(self, data):
        for opcode, argument, _ in pickletools.genops(data):
            name = opcode.name
            if name in CONSTANTS:
                self.stack.append(CONSTANTS[name])
            elif name in LITERALS:
                self.stack.append(argument)
            elif name in EMPTY:
                self.stack.append(EMPTY[name]())
            elif name == "STOP":
                return self.stack.pop()
            elif name not in ("PROTO", "FRAME"):
                if name not in ACTIONS:
                    raise ValueError(f"its pickle has {name}, which a state dict does not need")
                getattr(self, f"_{name.lower()}")(argument)
        raise ValueError("its pickle has no end")

    def _mark(self, _):
        self.aside.append(self.stack)
        self.stack = []

    def _since_mark(self):
        items, self.stack = self.stack, self.aside.pop()
        return items

    def _tuple(self, _):
        items = self._since_mark()
        self.stack.append(tuple(items))

    def _tuple1(self, _):
        self.stack[-1:] = [(self.stack[-1],)]

    def _tuple2(self, _):
        self.stack[-2:] = [(self.stack[-2], self.stack[-1])]

    def _tuple3(self, _):
        self.stack[-3:] = [(self.stack[-3], self.stack[-2], self.stack[-1])]

    def _append(self, _):
        item = self.stack.pop()
        _require(type(self.stack[-1]) is list, "appends to an object that is not a list")
        self.stack[-1].append(item)

    def _appends(self, _):
        items = self._since_mark()
        _require(type(self.stack[-1]) is list, "appends to an object that is not a list")
        self.stack[-1].extend(items)

    def _setitem(self, _):
        value, key = self.stack.pop(), self.stack.pop()
        self._set(key, value)

    def _setitems(self, _):
        items = self._since_mark()
        _require(len(items) % 2 == 0, "sets a key without a value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            self._set(key, value)

    def _set(self, key, value):
        _require(type(self.stack[-1]) is dict, "sets items of an object that is not a dict")
        # The hash of nested tuples, or of many multiples of 2**61 - 1, can take years.
        plain = type(key) is str or (type(key) is int and abs(key) < 2**60)
        _require(plain, "has a key that is neither a string nor a number")
        self.stack[-1][key] = value

    def _binput(self, place):
        self.memo[place] = self.stack[-1]

    _long_binput = _binput

    def _memoize(self, _):
        self.memo[len(self.memo)] = self.stack[-1]

    def _binget(self, place):
        self.stack.append(self.memo[place])

    _long_binget = _binget

    def _global(self, argument):
        self._name(argument.replace(" ", "."))

    def _stack_global(self, _):
        name, module = self.stack.pop(), self.stack.pop()
        _require(type(name) is str and type(module) is str, "has a name that is not a string")
        self._name(f"{module}.{name}")

    def _name(self, name):
        if name not in self.known:
            raise ValueError(f"it uses {name[:100]!r}, which is neither a tensor nor a container")
        self.stack.append(Name(name))

    def _newobj(self, _):
        self._reduce(_)

    def _reduce(self, _):
        """Builds the object of a name and its arguments."""
        arguments, name = self.stack.pop(), self.stack.pop()
        _require(
            type(name) is Name and type(arguments) is tuple, "calls an object that is not a global"
        )
        if name in CONTAINERS:
            _require(arguments == (), "passes arguments to a container")
            self.stack.append({})
        elif name == "torch.Size":
            (size,) = arguments
            self.stack.append(size)
        elif name == "torch._utils._rebuild_tensor_v2":
            storage, offset, shape, strides, *_ = arguments
            _require(type(storage) is _Storage, "has a tensor without a storage")
            self.stack.append(self.tensor(*storage.words, offset, shape, strides))
        elif name == "torch._utils._rebuild_parameter":
            self.stack.append(arguments[0])
        else:
            raise ValueError(f"it calls {name}, which is a storage type")

    def _build(self, _):
        """Skips the attributes of a container, e.g. the `_metadata` of a state dict."""
        self.stack.pop()
        _require(type(self.stack[-1]) is dict, "sets attributes outside a container")

    def _binpersid(self, _):
        word, kind, key, _, count = self.stack.pop()
        known = word == "storage" and type(kind) is Name and kind in self.storages
        _require(known, "refers to an external object that is not a storage")
        self.stack.append(_Storage(kind, key, count))


class _Storage:
    """A reference to a storage: (name of its type, key, number of elements)."""

    def __init__(self, *words):
        self.words = words


def _require(holds, fault):
    if not holds:
        raise ValueError(f"its pickle {fault}")
