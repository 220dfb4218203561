"""Exports for TensorFlow Lite Micro: refusals, C++ sources, and outputs of its interpreter."""

import dataclasses
import re
import shutil
import subprocess
import sys
import warnings
from importlib.util import find_spec

import keras
import numpy as np
import pytest

from cctzoo import export, models
from cctzoo.commands import export as command
from cctzoo.export.inputs import randomise_vectors
from cctzoo.export.microcontroller.interpreter import MicroRunner
from cctzoo.export.microcontroller.operators import METHODS, check_operators
from cctzoo.export.microcontroller.sources import write_sources
from cctzoo.quiet import stderr_into
from cctzoo.runtimes import LiteRTRunner
from tests.export import microcontroller as script
from tests.export.sample import once
from tests.models.small import images, small_model
from tests.models.text_models import text_model

torch_only = pytest.mark.one_backend("torch")
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
needs_micro = pytest.mark.skipif(
    find_spec("tflite_micro") is None, reason="needs the extra `micro`: pip install 'cctzoo[micro]'"
)
NAMES = ["a cat", 'a "dog"', "ein Vöglein", "back\\slash", "what??!"]
METADATA = {
    "name": "a\nmodel",
    "input": {"shape": [1, 2, 3], "values": "(value / 255 - mean) / std", "view": None},
    "output": "probabilities",
    "decision": "top1",
    "class_names": NAMES,
    "negative_class_name": None,
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """(the report, 20 images) of a model with many operators."""
    model = small_model(
        activation="quick_gelu",
        attention="polynomial",
        depth=2,
        conv_prefix=1,
        prefix_kind="depthwise",
        heads=6,
    )
    randomise_vectors(model)
    folder = tmp_path_factory.mktemp("export") / "firmware"
    x = images(model, 20)
    return export.to_microcontroller(model, folder, samples=x, class_names=NAMES), folder, x


@once
@needs_micro
def test_outputs_are_those_of_litert(exported):
    report, folder, x = exported
    graph = (folder / "model.tflite").read_bytes()[: report.flash_bytes]
    run = MicroRunner(graph)
    expected = LiteRTRunner(folder / "model.tflite")(x)
    assert np.abs(run(x) - expected).max() == report.max_difference <= 1e-5
    assert (report.samples, report.top1_agreement) == (20, 1.0)
    assert run.arena_bytes == report.arena_bytes < 2**17
    with pytest.raises(export.ExportError, match="cannot run the graph: "):
        run(x[:, :3])


@once
@needs_micro
def test_the_folder_is_complete_and_replaced(exported, tmp_path):
    _, folder, _ = exported
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("model.tflite", "model.tflite.json", "model.h", "model.cc", "sample.h", "sample.cc"),
        *("classifier.h", "classifier.cc", "main.cc"),
    }
    array = re.search(r"kModel\[\] = \{(.*?)\}", (folder / "model.cc").read_text(), re.DOTALL)[1]
    stored = bytes(int(number, 16) for number in array.split(",")[:-1])
    assert (folder / "model.tflite").read_bytes().startswith(stored)
    assert f"kModelBytes = {len(stored)};" in (folder / "model.h").read_text()
    assert str(folder) in (folder / "model.tflite.json").read_text()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"must be new.*Received: folder='.*other'"):
        export.to_microcontroller(small_model(activation="relu"), tmp_path / "other")


@once
@needs_micro
@needs_compiler
def test_the_program_classifies_like_litert(exported):
    _, folder, x = exported
    expected = LiteRTRunner(folder / "model.tflite")(x)
    outputs = script.run_images(folder, x.astype("uint8"))
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    largest = expected[0].argmax()
    assert f": output {largest} is the largest, " in script.run_example(folder)


@once
@needs_micro
@needs_compiler
def test_integer_inputs_and_outputs(tmp_path):
    """The interpreter and the C++ classifier quantise and dequantise in the same way."""
    import tensorflow as tf

    x = np.random.default_rng(0).integers(0, 256, (9, 2, 3, 4)).astype("float32")
    model = keras.Sequential([keras.Input((2, 3, 4), batch_size=1), keras.layers.Flatten()])
    model.add(keras.layers.Dense(5, "softmax"))
    model.layers[-1].kernel.assign(model.layers[-1].kernel / 100)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in x)
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = converter.convert()
    run = MicroRunner(graph)
    outputs = run(x)
    expected = np.concatenate([model(sample[None]) for sample in x])
    np.testing.assert_allclose(outputs, expected, atol=0.03)
    write_sources(
        tmp_path,
        graph,
        METADATA | {"input": {"shape": [2, 3, 4], "values": "0 to 255", "view": None}},
        ["FULLY_CONNECTED", "RESHAPE", "SOFTMAX"],
        run.arena_bytes,
        x[0].astype("uint8"),
        outputs[0],
        1e-5,
    )
    compiled = script.run_images(tmp_path, x.astype("uint8"))
    np.testing.assert_allclose(compiled, outputs, atol=1e-6)
    assert ": output " in script.run_example(tmp_path)


@once
@needs_micro
def test_what_the_interpreter_refuses_is_in_the_error(exported):
    """LOGISTIC is renamed GELU in the graph."""
    import flatbuffers
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

    report, folder, _ = exported
    graph = (folder / "model.tflite").read_bytes()[: report.flash_bytes]
    changed = schema.ModelT.InitFromObj(schema.Model.GetRootAs(graph))
    for code in changed.operatorCodes:
        if code.builtinCode == schema.BuiltinOperator.LOGISTIC:
            code.builtinCode = schema.BuiltinOperator.GELU
            code.deprecatedBuiltinCode = 127  # a larger code is in the other field
    builder = flatbuffers.Builder()
    builder.Finish(changed.Pack(builder), b"TFL3")
    with pytest.raises(export.ExportError, match="Didn't find op for builtin opcode 'GELU'"):
        MicroRunner(bytes(builder.Output()))


@once
@needs_micro
def test_nothing_is_left_of_a_refused_export(exported, tmp_path, monkeypatch):
    """A graph with GELU, in which the config of the model does not show it."""
    report, folder, _ = exported

    def convert(model, path, *_, **options):
        shutil.copy(folder / "model.tflite", path)
        return dataclasses.replace(report.litert, operators={"ADD": 1, "GELU": 1})

    monkeypatch.setattr("cctzoo.export.microcontroller.folder.to_litert", convert)
    with pytest.raises(export.ExportError, match=r'"quick_gelu".*Received: GELU, which'):
        export.to_microcontroller(small_model(activation="relu"), tmp_path / "firmware")
    assert not list(tmp_path.iterdir())


@torch_only
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (small_model, 'the operator GELU. Build the model with `activation="quick_gelu"` or '),
        (lambda: models.soft_committee([small_model()]), "Received: activation='gelu'"),
        (text_model, "operator SELECT.*only image models.*Received: kind='texts'"),
    ],
)
def test_missing_operators_are_refused_before_any_work(make, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export.to_microcontroller(make(), tmp_path / "firmware")
    assert not list(tmp_path.iterdir())


@torch_only
def test_precisions_without_kernels_are_refused(tmp_path):
    for precision in ("float16", "dynamic_int8", "int8"):
        with pytest.raises(ValueError, match=f"Received: precision='{precision}'"):
            export.to_microcontroller(small_model(), tmp_path / "firmware", precision)


@torch_only
def test_check_operators():
    check_operators(["ADD", "BATCH_MATMUL"])
    with pytest.raises(export.ExportError, match="Received: ERF, FlexErf, which it does not have"):
        check_operators(["ADD", "FlexErf", "ERF"])


@torch_only
def test_names_of_methods_are_those_of_the_declarations():
    text = (script.DECLARATIONS / "tensorflow/lite/micro/micro_mutable_op_resolver.h").read_text()
    found = dict(re.findall(r"  X\((\w+), (\w+), ", text))
    assert len(found) == 46
    assert {name: METHODS[name] for name in found.values()} == {v: k for k, v in found.items()}


@torch_only
@needs_compiler
def test_sources_compile(tmp_path):
    """With class names that C++ would misread, and an input of floats."""
    sample, outputs = np.arange(6, dtype="float32").reshape(1, 2, 3), np.arange(5) / 10
    write_sources(tmp_path, bytes(64), METADATA, ["ADD", "MUL"], 1024, sample, outputs, 1e-5)
    (tmp_path / "names.cc").write_text(
        '#include <cstdio>\\n#include "model.h"\\n'
        "int main() { for (const char* name : kNames) std::puts(name); }\\n".replace("\\n", "\n")
    )
    command = ["g++", *script.FLAGS, f"-I{tmp_path}"]
    files = [str(path) for path in tmp_path.glob("*.cc")]
    subprocess.run([*command, "-fsyntax-only", *files], check=True)
    subprocess.run([*command, tmp_path / "names.cc", "-o", tmp_path / "names"], check=True)
    printed = subprocess.run([tmp_path / "names"], capture_output=True, check=True).stdout
    assert printed.decode().splitlines() == NAMES


@torch_only
def test_command(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(
        export, "to_microcontroller", lambda *arguments, **options: calls.append(arguments) or 1
    )
    precisions = {"microcontroller": "float32", "microcontroller_int8": "full_int8"}
    arguments = ["cct_2_3x2_32", "--formats", *precisions, "--to", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["cctzoo", *arguments])
    options = command.make_parser().parse_args()
    for each in options.formats:
        assert command.export_one("model", None, options.to, each, options) == 1
    assert calls == [("model", tmp_path / each, precisions[each]) for each in precisions]


@torch_only
def test_standard_error_is_held():
    lines = []
    with stderr_into(lines):
        subprocess.run([sys.executable, "-c", "import os; os.write(2, b'one\\ntwo')"], check=True)
    assert lines == [b"one\n", b"two"]
