"""A graph under the interpreter of TensorFlow Lite Micro, and the memory that it needs."""

import re
from typing import Any

import numpy as np

from cctzoo.export.report import ExportError
from cctzoo.optional_packages import require
from cctzoo.quiet import stderr_into
from cctzoo.runtimes.litert import dequantised, quantised
from cctzoo.typing import Array

FIRST_ARENA, LARGEST_ARENA = 2**20, 2**28  # bytes; no microcontroller has as much as the latter
STEP = 1024  # bytes
MEMORY = re.compile(r"missing:|memory|Too many buffers")
TOTAL = re.compile(r"Arena allocation total (\d+) bytes")


def check_interpreter() -> None:
    """Raises ModuleNotFoundError unless the package `tflite-micro` is installed."""
    require("tflite_micro", extra="micro", purpose="An export for microcontrollers")


class MicroRunner:
    """A graph as a function of an image batch; TensorFlow Lite Micro runs the images one by one.

    Integer inputs and outputs are quantised and dequantised by the scales in the graph.

    Args:
        graph: the bytes of a `.tflite` file of batch size 1.

    Attributes:
        arena_bytes: the size of the arena that all calls use: the smallest one, in steps of
            1 KiB, in which the interpreter starts. It was measured with pointers of 64 bits.

    Raises:
        ExportError: if TensorFlow Lite Micro cannot run the graph; the message has its reasons.
    """

    def __init__(self, graph: bytes):
        self._graph = graph
        self.arena_bytes = self._measure()
        self._interpreter, lines = self._start(self.arena_bytes)
        if self._interpreter is None:
            raise ExportError(f"TensorFlow Lite Micro failed to start twice: {_reason(lines)}")
        self._input = self._interpreter.get_input_details(0)
        self._output = self._interpreter.get_output_details(0)

    def __call__(self, samples: Array) -> Array:
        outputs = []
        for sample in samples:
            lines: list[bytes] = []
            try:
                with stderr_into(lines):
                    self._interpreter.set_input(self._quantised(sample[None]), 0)
                    self._interpreter.invoke()
                    output = np.array(self._interpreter.get_output(0))
            except (RuntimeError, ValueError) as error:
                raise ExportError(
                    f"TensorFlow Lite Micro cannot run the graph: {error}; {_reason(lines)}"
                ) from error
            outputs.append(dequantised(output, *_scale(self._output)))
        return np.concatenate(outputs)

    def _quantised(self, values):
        return quantised(values, self._input["dtype"], *_scale(self._input))

    def _measure(self):
        """The used part of a large arena, then the least size from there in which it starts."""
        size = FIRST_ARENA
        interpreter, lines = self._start(size)
        while interpreter is None and size < LARGEST_ARENA and MEMORY.search(_reason(lines)):
            size *= 2
            interpreter, lines = self._start(size)
        if interpreter is None:
            raise ExportError(
                f"TensorFlow Lite Micro cannot run the graph in {size:,} bytes: {_reason(lines)}"
            )
        lines = []
        with stderr_into(lines):
            interpreter.print_allocations()
        found = TOTAL.search(_reason(lines))
        if found is None:
            raise ExportError(
                "TensorFlow Lite Micro must print the size of its arena. "
                f"Received: {_reason(lines)[:200]}"
            )
        # Starting takes more than is used afterwards, e.g. for planning the memory.
        needed = -(-int(found[1]) // STEP) * STEP
        while self._start(needed)[0] is None:
            needed += STEP
        return needed

    def _start(self, arena_bytes) -> tuple[Any, list[bytes]]:
        """(the interpreter, or None if it does not start, what it wrote to standard error)."""
        from tflite_micro import runtime

        lines: list[bytes] = []
        try:
            with stderr_into(lines):
                started = runtime.Interpreter.from_bytes(self._graph, arena_size=arena_bytes)
        except RuntimeError:
            return None, lines
        return started, lines


def _scale(details):
    """(scale, zero point) of a tensor; (0, 0) for a tensor of floats."""
    parameters = details["quantization_parameters"]
    if not len(parameters["scales"]):
        return 0.0, 0
    return float(parameters["scales"][0]), int(parameters["zero_points"][0])


def _reason(lines):
    """What TensorFlow Lite Micro wrote, without repetitions, as one line."""
    texts = [line.decode(errors="replace").strip() for line in lines]
    return "; ".join(dict.fromkeys(filter(None, texts)))
