"""ONNX and OpenVINO by PyTorch: without TensorFlow, which converter is used, and failures."""

import json
import os
import subprocess
import sys

import keras
import pytest

from cctzoo import export
from cctzoo.export import convert
from tests.models.small import small_model

pytestmark = pytest.mark.one_backend("torch")

# Python finds no TensorFlow and no tf2onnx; with None in `sys.modules`, Keras would call both.
HIDE = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "tf2onnx", "jax"):
            return None
        return PathFinder.find_spec(name, path, target)

sys.meta_path = [Without if finder is PathFinder else finder for finder in sys.meta_path]
"""
EXPORT = """
import json
from pathlib import Path
import keras
from cctzoo import export, models
from cctzoo.export.convert import in_float32
from cctzoo.export.inputs import noise, randomise_vectors
from cctzoo.runtimes import load_runner

folder = Path(sys.argv[1])
# 16 heads on 256 tokens: two groups, as the scores of all heads have 4 MiB
backbone = models.create_model(
    "cct_2_3x1_32", heads=16, head_dim=2, depth=1, embed_dim=16, include_top=False,
    pooling="sequence",
)
images = keras.Sequential([backbone, keras.layers.Dense(5, activation="softmax")])
texts = models.text_cct(vocabulary=("a", "b", "c"), length=6, depth=1, embed_dim=16, heads=2)
found = {}
for model, function, name in (
    (images, export.to_onnx, "model.onnx"), (texts, export.to_openvino, "model.xml")
):
    randomise_vectors(model)
    report = function(model, folder / name, batch=None)
    for count in (1, 5):
        x = noise(in_float32(model), count)
        expected = model.predict(x, verbose=0)
        found[f"{name} {count}"] = float(abs(load_runner(folder / name)(x) - expected).max())
    found[name] = report.operators
assert "tensorflow" not in sys.modules
print(json.dumps(found))
"""


def test_onnx_and_openvino_with_a_dynamic_batch(tmp_path):
    """A zoo model with an own head to ONNX, a text model to OpenVINO."""
    pytest.importorskip("onnxscript")
    pytest.importorskip("openvino")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = subprocess.run(
        [sys.executable, "-c", HIDE + EXPORT, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr[-3000:]
    assert child.stderr == ""
    found = json.loads(child.stdout.splitlines()[-1])
    for name in ("model.onnx", "model.xml"):
        assert max(found[f"{name} {count}"] for count in (1, 5)) <= 1e-5
    assert found["model.onnx"]["Softmax"] == 2 + 2  # two groups of heads, pooling, classifier
    assert found["model.onnx"]["LayerNormalization"] == 3
    assert b".py" not in (tmp_path / "model.onnx").read_bytes()  # no lines of the source


@pytest.mark.parametrize(
    ("backend", "installed", "by_torch"),
    [
        ("torch", {"onnxscript", "tensorflow", "tf2onnx"}, True),
        ("torch", {"onnxscript"}, True),
        ("torch", {"tensorflow", "tf2onnx"}, False),
        ("jax", {"onnxscript", "tensorflow", "tf2onnx"}, False),
    ],
)
def test_the_converter(monkeypatch, backend, installed, by_torch):
    patch_environment(monkeypatch, backend, installed)
    convert.check_converter("onnx")
    assert convert.is_from_torch("onnx") == convert.is_from_torch("openvino") == by_torch
    assert not convert.is_from_torch("litert")


@pytest.mark.parametrize(
    ("kind", "backend", "installed", "absent"),
    [
        ("onnx", "torch", set(), "onnxscript, tensorflow, tf2onnx"),
        ("onnx", "jax", {"onnxscript", "tensorflow"}, "tf2onnx"),
        ("openvino", "torch", {"tf2onnx"}, "onnxscript, tensorflow"),
    ],
)
def test_an_error_without_a_converter_names_both_ways(
    monkeypatch, tmp_path, kind, backend, installed, absent
):
    patch_environment(monkeypatch, backend, installed)
    function, name = {
        "onnx": (export.to_onnx, "model.onnx"),
        "openvino": (export.to_openvino, "model.xml"),
    }[kind]
    message = rf"cctzoo\[torch,{kind}\].*tensorflow.*Received: backend {backend}, without {absent}$"
    with pytest.raises(ModuleNotFoundError, match=message):
        function(small_model(), tmp_path / name)
    assert not any(tmp_path.iterdir())


def test_a_failed_conversion_is_an_error(monkeypatch, tmp_path):
    """TensorFlow, which is installed, is not tried instead."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")

    def failing(*arguments, **options):
        raise torch.onnx.OnnxExporterError("step 1") from TypeError("no such operator")

    patch_environment(monkeypatch, "torch", {"onnxscript", "tensorflow", "tf2onnx"})
    monkeypatch.setattr(torch.onnx, "export", failing)
    monkeypatch.setattr(convert, "run_module", None)
    with pytest.raises(export.ExportError, match=r"by PyTorch failed.*TypeError: no such operator"):
        export.to_onnx(small_model(), tmp_path / "model.onnx")
    assert not any(tmp_path.iterdir())


def patch_environment(monkeypatch, backend, installed):
    others = {"onnx", "onnxruntime", "openvino"}
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(
        convert, "missing", lambda *names: [name for name in names if name not in installed]
    )
    require = convert.require
    monkeypatch.setattr(
        convert, "require", lambda *names, **of: require(*(set(names) - others), **of)
    )
