"""What importing the package loads, and which modules import each other."""

import os
import subprocess
import sys

import keras
import pytest

from tests.import_graph import circle, import_graph

# A room imports from its own line and from the lines above.
ROOMS = [
    {
        "typing",
        "settings",
        "messages",
        "limits",
        "plain_values",
        "arguments",
        "keywords",
        "optional_packages",
        "published_statistics",
        "machine",
        "child_process",
        "installation",
        "exit_codes",
        "quiet",
        "formats",
        "plotting",
        "pages",
        "web_server",
    },
    {"data"},  # knows no model
    {"layers"},
    {"models"},
    {"weights"},
    {"zoo"},
    {"named_models"},
    {"training"},
    {"runtimes", "latency", "latency_command", "export", "analysis"},
    {"delivery"},
    {"runs"},
    {"flags"},
    {"recipe_flags", "program_errors"},
    {"cli"},
    {"prediction"},
    {"commands"},
    {"_workers", "__main__"},
]
BACKENDS = {"tensorflow", "jax", "torch"}
OPTIONAL = {
    "ai_edge_litert",
    "ai_edge_quantizer",
    "huggingface_hub",
    "keras_tuner",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "openvino",
    "optuna",
    "rich",
    "sklearn",
    "tensorflow_datasets",
    "tf2onnx",
    "tflite_micro",
}


def test_import_adds_no_heavy_package():
    forbidden = OPTIONAL | BACKENDS - {keras.backend.backend()}
    # Keras itself imports most of them if they are installed. The import of a module that is
    # None in `sys.modules` raises an error.
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
    assert "cctzoo.analysis" not in loaded  # imported when it is first used
    assert not loaded & forbidden


@pytest.mark.one_backend("jax")
def test_no_circle_of_imports():
    assert not circle(import_graph())


@pytest.mark.one_backend("jax")
def test_no_room_imports_a_higher_one():
    ranks = {room: rank for rank, rooms in enumerate(ROOMS) for room in rooms}
    graph = import_graph()
    assert {room(module) for module in graph} == ranks.keys(), "Give each room its place in ROOMS"
    upward = [
        f"{module} imports {imported}"
        for module, modules in graph.items()
        for imported in modules
        if ranks[room(imported)] > ranks[room(module)]
    ]
    assert not upward


def room(module):
    return module.split(".")[1]


@pytest.mark.one_backend("jax")
def test_the_graph_finds_circles():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
