"""The C++ files of an export: a model as an array, what a program must know of it, and an image."""

import json
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from cctzoo.export.microcontroller.operators import METHODS
from cctzoo.typing import Array

PROGRAM = ("classifier.h", "classifier.cc", "main.cc")
BYTES_PER_LINE = 20


def write_sources(
    folder: Path,
    graph: bytes,
    metadata: dict[str, Any],
    operators: Iterable[str],
    arena_bytes: int,
    sample: Array,
    expected: Array,
    tolerance: float,
) -> None:
    """Writes model.h, model.cc, sample.h, sample.cc and the program that classifies the sample.

    Args:
        folder: an existing folder.
        graph: the bytes of the `.tflite` file, without the metadata that it carries.
        metadata: see `artifact.metadata`.
        operators: names of the graph's operators, see `operators.METHODS`.
        arena_bytes: size of the arena.
        sample: the input of one image: uint8 pixels, or float32.
        expected: the outputs for it.
        tolerance: largest difference from them on the device.
    """
    texts = {
        "model.h": _model_header(graph, metadata, operators, arena_bytes, sample, expected),
        "model.cc": _source("model.h", "alignas(16) const unsigned char kModel[]", _bytes(graph)),
        "sample.h": _sample_header(tolerance),
        "sample.cc": _source(
            "sample.h",
            "const InputValue kSample[kInputSize]",
            _numbers(sample),
            "const float kExpected[kOutputs]",
            _numbers(expected.astype("float32")),
        ),
    }
    program = files("cctzoo.export.microcontroller") / "cpp"
    texts |= {name: (program / name).read_text(encoding="utf-8") for name in PROGRAM}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def _model_header(graph, metadata, operators, arena_bytes, sample, expected):
    methods = sorted(METHODS[name] for name in operators)
    calls = " ||\n           ".join(f"resolver.Add{method}()" for method in methods)
    names = metadata["class_names"] or [str(i) for i in range(expected.size)]
    if metadata["negative_class_name"] is not None:
        names = [f"{names[0]} (below the threshold: {metadata['negative_class_name']})"]
    value = "uint8_t" if sample.dtype == np.uint8 else "float"
    return f"""// The model {json.dumps(metadata["name"])}, written by cctzoo.
#ifndef MODEL_H_
#define MODEL_H_

#include <cstdint>

extern const unsigned char kModel[];  // a .tflite file
constexpr unsigned int kModelBytes = {len(graph)};

// The least size in which TensorFlow Lite Micro starts on a computer with pointers of 64 bits.
// Devices of 32 bits use less. Kernels for one processor, such as CMSIS-NN, can use more.
constexpr unsigned int kArenaBytes = {arena_bytes};

// Height, width, channels. Values: {metadata["input"]["values"]}.
// View: {json.dumps(metadata["input"]["view"])}
constexpr int kInputShape[] = {{{", ".join(map(str, metadata["input"]["shape"]))}}};
constexpr int kInputSize = {sample.size};
typedef {value} InputValue;

// Values: {metadata["output"]}. Decision: {metadata["decision"] or "none"}.
constexpr int kOutputs = {expected.size};
constexpr const char* kNames[kOutputs] = {{
{_lines(f'"{_escaped(name)}"' for name in names)}
}};

// Registers the operators of the model in a MicroMutableOpResolver<kOperators>.
constexpr int kOperators = {len(methods)};
template <typename Resolver>
bool AddOperators(Resolver& resolver) {{
  // kTfLiteOk is 0.
  return !({calls});
}}

#endif  // MODEL_H_
"""


def _sample_header(tolerance):
    return f"""// One image, and the outputs that LiteRT computes for it.
#ifndef SAMPLE_H_
#define SAMPLE_H_

#include "model.h"

extern const InputValue kSample[kInputSize];
extern const float kExpected[kOutputs];
constexpr float kTolerance = {tolerance:.8e}f;

#endif  // SAMPLE_H_
"""


def _source(header, *pairs):
    """A file that defines arrays: alternately a declaration and its values."""
    arrays = [
        f"{declaration} = {{\n{values}\n}};\n"
        for declaration, values in zip(pairs[::2], pairs[1::2], strict=True)
    ]
    return f'#include "{header}"\n\n' + "\n".join(arrays)


def _bytes(data):
    digits = data.hex(" ").split(" ")
    lines = (digits[i : i + BYTES_PER_LINE] for i in range(0, len(digits), BYTES_PER_LINE))
    return "\n".join("0x" + ",0x".join(line) + "," for line in lines)


def _numbers(values):
    """9 significant digits are every float32."""
    flat = values.reshape(-1)
    if flat.dtype == np.uint8:
        return _lines(map(str, flat.tolist()))
    return _lines(f"{value:.8e}f" for value in flat.tolist())


def _lines(texts, per_line=12):
    texts = list(texts)
    groups = (texts[i : i + per_line] for i in range(0, len(texts), per_line))
    return "\n".join("  " + ", ".join(group) + "," for group in groups)


def _escaped(name):
    """A name as the inside of a string of C++: bytes that are not printable ASCII as octal."""
    return "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"
        for byte in name.encode("utf-8")
    )
