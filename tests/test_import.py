"""What importing the package loads, and what its source refers to."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import cctzoo

PACKAGE = Path(cctzoo.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
BACKENDS = {"tensorflow", "jax", "torch"}
OPTIONAL = {
    *("matplotlib", "keras_tuner", "sklearn", "tensorflow_datasets", "rich"),
    *("ai_edge_litert", "ai_edge_quantizer", "onnx", "onnxruntime", "openvino", "tf2onnx"),
}


def test_import_adds_no_heavy_package():
    forbidden = OPTIONAL | BACKENDS - {keras.backend.backend()}
    # Keras itself loads most of them where they are installed; importing what is None raises.
    loaded_by_keras = forbidden - {"tensorflow"}
    code = f"import sys, keras; sys.modules.update(dict.fromkeys({loaded_by_keras}))\n"
    code += "import cctzoo; print(*(name for name, module in sys.modules.items() if module))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert child.returncode == 0, child.stderr[-2000:]
    loaded = set(child.stdout.splitlines()[-1].split())
    assert "cctzoo.models" in loaded
    assert not loaded & forbidden


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(PACKAGE)) for path in SOURCES])
def test_public_keras_only(path):
    assert "keras.src" not in path.read_text()
