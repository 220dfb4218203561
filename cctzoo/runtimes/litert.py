"""LiteRT: `.tflite` files."""

import collections
import threading
from typing import Any

import numpy as np

from cctzoo.optional_packages import require
from cctzoo.quiet import without_noise
from cctzoo.runtimes.runner import checked
from cctzoo.typing import Array, PathLike


class LiteRTRunner:
    """A `.tflite` file under the LiteRT interpreter, with its XNNPACK delegate.

    The graph's batch size is static: the number of samples must be a multiple of it. Calls from
    several threads wait for each other; to run in parallel, each thread needs its own runner.
    Samples and outputs are floats, also for a graph with integer inputs and outputs.

    Args:
        path: path of the file.
        threads: of the interpreter.
        delegate: whether XNNPACK runs what it can. Without it, all operators are listed.

    Raises:
        ValueError: if the file is not a complete LiteRT graph with one input and one output.
    """

    def __init__(self, path: PathLike, threads: int = 1, delegate: bool = True):
        require("ai_edge_litert", extra="export", purpose="Running a .tflite file")
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        resolver = OpResolverType.AUTO if delegate else plain
        try:
            with without_noise():
                self.interpreter = Interpreter(
                    str(path), num_threads=threads, experimental_op_resolver_type=resolver
                )
                self.interpreter.allocate_tensors()
            (self.input,) = self.interpreter.get_input_details()
            (self.output,) = self.interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                "A .tflite file must be a complete LiteRT graph with one input and one output. "
                f"Received: path={str(path)!r}; LiteRT's error: {error}"
            ) from error
        self.batch, *self.sample_shape = map(int, self.input["shape"])
        quantised = self.input["quantization"][0] > 0
        self.dtype = np.dtype("float32" if quantised else self.input["dtype"])
        self._lock = threading.Lock()  # an interpreter has one set of tensors

    def __call__(self, samples: Array) -> Array:
        samples = checked(samples, self.sample_shape, self.batch)
        samples = quantised(samples, self.input["dtype"], *self.input["quantization"])
        outputs = []
        with self._lock:
            for start in range(0, len(samples), self.batch):
                batch = samples[start : start + self.batch]
                self.interpreter.set_tensor(self.input["index"], batch)
                self.interpreter.invoke()
                outputs.append(self.interpreter.get_tensor(self.output["index"]))
        return dequantised(np.concatenate(outputs), *self.output["quantization"])

    def float_operators(self) -> list[str]:
        """Names of the operators that read or write floats, each once."""
        tensors = {each["index"]: each["dtype"] for each in self.interpreter.get_tensor_details()}
        return sorted(
            {
                each["op_name"]
                for each in self.interpreter._get_ops_details()
                if any(tensors.get(i) == np.float32 for i in (*each["inputs"], *each["outputs"]))
            }
        )

    def operators(self) -> dict[str, int]:
        """Count by operator of the graph; the delegate's partitions count as DELEGATE."""
        return dict(collections.Counter(name for name, _ in self.operator_outputs()))

    def operator_outputs(self) -> list[tuple[str, dict[str, Any]]]:
        """(operator, details of its first output) in the order of execution."""
        # Private: LiteRT has no public call that lists the operators after delegation.
        operators = self.interpreter._get_ops_details()
        tensors = {each["index"]: each for each in self.interpreter.get_tensor_details()}
        return [(each["op_name"], tensors.get(each["outputs"][0], {})) for each in operators]

    def signature(self) -> tuple[str, str]:
        """(the signature of the graph, the name of its input there)."""
        ((signature, ends),) = self.interpreter.get_signature_list().items()
        (name,) = ends["inputs"]
        return signature, name


def quantised(values: Array, dtype: Any, scale: float, zero_point: int) -> Array:
    """Values in the dtype of a tensor: values / scale + zero point, rounded, unless scale is 0."""
    if scale > 0:
        bounds = np.iinfo(dtype)
        values = np.clip(np.rint(values / scale) + zero_point, bounds.min, bounds.max)
    return values.astype(dtype)


def dequantised(values: Array, scale: float, zero_point: int) -> Array:
    """The floats that a tensor stands for; the values themselves if scale is 0."""
    return (values.astype("float32") - zero_point) * np.float32(scale) if scale > 0 else values
