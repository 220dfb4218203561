"""Reads the pickle in a PyTorch checkpoint as data: nothing in it is ever called.

`pickle.Unpickler` is not used, not even with a restricted `find_class`: it allocates the sizes
that a hostile stream claims (a memo of 2**31 places, a string of 2**40 bytes) before it checks
them. Here the standard library splits the stream into opcodes, and the opcodes of a checkpoint
are executed on lists, dicts and tuples. Each opcode allocates no more than its bytes justify.

Tensors, and the containers that hold them, are known. Any other object (the arguments of a script,
an optimizer, a number of NumPy) becomes a `Placeholder`, which has its name and nothing else: its
module is not imported, its class is not called, and its attributes are dropped.
"""

import pickletools
from collections.abc import Callable, Iterable
from typing import Any

from cctzoo import limits

CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
ACTIONS = {  # each is a method of `_Machine`, by its name in lower case
    *("MARK", "POP", "POP_MARK"),
    *("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET"),
    *("APPEND", "APPENDS", "ADDITEMS", "SETITEM", "SETITEMS"),
    *("BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET"),
    *("GLOBAL", "STACK_GLOBAL", "REDUCE", "NEWOBJ", "NEWOBJ_EX", "BUILD", "BINPERSID"),
}
# The globals that are understood. They too are handled as names and never imported.
ORDERED_DICT = "collections.OrderedDict"
SIZE = "torch.Size"
TENSOR = "torch._utils._rebuild_tensor_v2"
PARAMETERS = {"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"}
TENSOR_SUBCLASS = "torch._tensor._rebuild_from_type_v2"
TENSOR_FUNCTIONS = ("torch._utils._rebuild_", "torch._tensor._rebuild_")  # their prefixes
BYTES_PER_OPCODE = 16  # for the limit: an opcode of one byte can take 100 bytes of memory
MAX_NAME = 100  # letters of a module or of a name in it; a stream can repeat a long word cheaply


class Name(str):
    """A global in the stream, e.g. `torch.float32`; its type distinguishes it from strings."""

    __slots__ = ()


class Placeholder(dict):
    """Stands for an object in the stream that is not built.

    It keeps the items of the object if that is a kind of dict, since a state dict can be one.

    Args:
        name: of the function or class that would build the object.
        is_tensor: whether the object is a tensor, of a kind that cannot be read.
    """

    __slots__ = ("is_tensor", "name")

    def __init__(self, name: str, is_tensor: bool = False) -> None:
        super().__init__()
        self.name = name
        self.is_tensor = is_tensor


def read_pickle(data: bytes, storages: Iterable[str], tensor: Callable[..., Any]) -> Any:
    """The value in a pickle, as dicts, lists, tuples, plain values and placeholders.

    Keys of dicts that are neither strings nor numbers are dropped with their values.

    Args:
        data: the pickle.
        storages: names of storage types, e.g. `"torch.FloatStorage"`.
        tensor: is called with (storage name, key, count, offset, shape, strides), which are
            not checked before, and returns the value that represents the tensor. It must raise
            ValueError if the arguments do not describe a tensor.

    Raises:
        ValueError: if the pickle has an opcode that PyTorch does not write, or is truncated or
            invalid. The message is a phrase about the pickle.
    """
    try:
        return _Machine(set(storages), tensor).run(data)
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("its pickle is invalid") from error


SET = Name("builtins.set")  # stands for each set; its items are dropped
PLAIN = (str, bytes, bytearray, int, float, list, tuple, type(None))


class _Machine:
    """A stack, the stacks that were set aside at marks, and a memo."""

    def __init__(self, storages, tensor):
        self.storages = storages
        self.tensor = tensor
        self.stack = []
        self.aside = []
        self.memo = {}

    def run(self, data):
        most = limits.current().json_bytes // BYTES_PER_OPCODE
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if count > most:
                subject = f"The number of a pickle's opcodes, times {BYTES_PER_OPCODE},"
                limits.check("json_bytes", count * BYTES_PER_OPCODE, subject, opcodes=count)
            name = opcode.name
            if name in CONSTANTS:
                self.stack.append(CONSTANTS[name])
            elif name in LITERALS:
                self.stack.append(argument)
            elif name in EMPTY:
                self.stack.append(EMPTY[name]())
            elif name == "EMPTY_SET":
                self.stack.append(SET)
            elif name == "STOP":
                return self.stack.pop()
            elif name not in ("PROTO", "FRAME"):
                if name not in ACTIONS:
                    raise ValueError(f"its pickle has {name}, which PyTorch does not write")
                getattr(self, f"_{name.lower()}")(argument)
        raise ValueError("its pickle has no end")

    def _mark(self, _):
        self.aside.append(self.stack)
        self.stack = []

    def _since_mark(self):
        items, self.stack = self.stack, self.aside.pop()
        return items

    def _pop(self, _):
        self.stack.pop()

    def _pop_mark(self, _):
        self._since_mark()

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
        self._extend([self.stack.pop()])

    def _appends(self, _):
        self._extend(self._since_mark())

    def _extend(self, items):
        if not isinstance(self.stack[-1], Placeholder):  # e.g. a deque, whose items are dropped
            _require(type(self.stack[-1]) is list, "appends to an object that is not a list")
            self.stack[-1].extend(items)

    def _additems(self, _):
        self._since_mark()
        _require(self.stack[-1] is SET, "adds items to an object that is not a set")

    def _frozenset(self, _):
        self._since_mark()
        self.stack.append(SET)

    def _setitem(self, _):
        value, key = self.stack.pop(), self.stack.pop()
        self._set(key, value)

    def _setitems(self, _):
        items = self._since_mark()
        _require(len(items) % 2 == 0, "sets a key without a value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            self._set(key, value)

    def _set(self, key, value):
        target = self.stack[-1]
        _require(isinstance(target, dict), "sets items of an object that is not a dict")
        # The hash of nested tuples, or of many multiples of 2**61 - 1, can take years.
        if type(key) is str or (type(key) is int and abs(key) < 2**60):
            target[key] = value

    def _binput(self, place):
        self.memo[place] = self.stack[-1]

    _long_binput = _binput

    def _memoize(self, _):
        self.memo[len(self.memo)] = self.stack[-1]

    def _binget(self, place):
        self.stack.append(self.memo[place])

    _long_binget = _binget

    def _global(self, argument):
        self._name(*argument.split(" ", 1))

    def _stack_global(self, _):
        name, module = self.stack.pop(), self.stack.pop()
        _require(type(name) is str and type(module) is str, "has a name that is not a string")
        self._name(module, name)

    def _name(self, module, name):
        self.stack.append(Name(f"{module[:MAX_NAME]}.{name[:MAX_NAME]}"))

    def _reduce(self, _):
        """Replaces a function or class and its arguments by the object that they stand for."""
        arguments, function = self.stack.pop(), self.stack.pop()
        _require(
            type(function) in (Name, Placeholder) and type(arguments) is tuple,
            "calls an object that is not a global",
        )
        name = function.name if isinstance(function, Placeholder) else function
        self.stack.append(self._object(name, arguments))

    _newobj = _reduce

    def _newobj_ex(self, _):
        self.stack.pop()  # the keyword arguments, which no known object has
        self._reduce(_)

    def _object(self, name, arguments):
        if name == ORDERED_DICT:
            _require(arguments == (), "passes arguments to an OrderedDict")
            return {}
        if name == SIZE:
            (size,) = arguments
            return size
        if name in PARAMETERS:
            return arguments[0]
        if name == TENSOR_SUBCLASS and arguments[0] == TENSOR:  # e.g. with attributes of its own
            name, _, arguments, *_ = arguments
        if name == TENSOR:
            storage, offset, shape, strides, *_ = arguments
            if type(storage) is Placeholder:
                return storage
            _require(type(storage) is _Storage, "has a tensor without a storage")
            return self.tensor(*storage.words, offset, shape, strides)
        return Placeholder(name, is_tensor=name.startswith(TENSOR_FUNCTIONS))

    def _build(self, _):
        """Drops the attributes of an object, e.g. the `_metadata` of a state dict."""
        self.stack.pop()
        _require(
            not isinstance(self.stack[-1], PLAIN), "sets attributes of an object without attributes"
        )

    def _binpersid(self, _):
        word, kind, key, _, count = self.stack.pop()
        _require(
            type(word) is str and word == "storage" and type(kind) is Name,
            "refers to an external object that is not a storage",
        )
        known = kind in self.storages
        storage = _Storage(kind, key, count) if known else Placeholder(kind, is_tensor=True)
        self.stack.append(storage)


class _Storage:
    """A reference to a storage: (name of its type, key, number of elements)."""

    def __init__(self, *words):
        self.words = words


def _require(holds, fault):
    if not holds:
        raise ValueError(f"its pickle {fault}")
