"""Shows what is installed, which formats can be exported, and what to install for the rest.

cctzoo doctor
cctzoo doctor --json
"""

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
from typing import Any

import cctzoo
from cctzoo.installation import BACKENDS, chosen_backend, is_installed
from cctzoo.machine import installed_versions, machine_name
from cctzoo.optional_packages import DISTRIBUTIONS

# What needs which packages, and the extra that installs them.
FEATURES = {
    "data sets and plots": (
        ("sklearn", "tensorflow_datasets", "matplotlib", "rich"),
        "recipes",
    ),
    "export to LiteRT": (("tensorflow", "ai_edge_litert", "ai_edge_quantizer"), "export"),
    "export to SavedModel": (("tensorflow",), "export"),
    "microcontrollers": (("tensorflow", "ai_edge_litert", "tflite_micro"), "export,micro"),
    "export to ONNX": (("tensorflow", "tf2onnx", "onnx", "onnxruntime"), "onnx,tf2onnx"),
    "export to OpenVINO": (("tensorflow", "openvino"), "openvino,tensorflow"),
    "Hugging Face Hub": (("huggingface_hub",), "hub"),
    "search": (("keras_tuner", "tensorboard"), "tune"),
    "search with Optuna": (("keras_tuner", "optuna"), "tune"),
}
# Another way on the backend torch.
WITH_TORCH = {
    "export to ONNX": (("onnxscript", "onnx", "onnxruntime"), "onnx"),
    "export to OpenVINO": (("onnxscript", "openvino"), "openvino"),
}
# Printed by a child process, so that a broken installation of a backend cannot end this one.
DEVICES = {
    "tensorflow": "import tensorflow as b; d = [x.device_type for x in "
    "b.config.list_physical_devices()]",
    "jax": "import jax as b; d = b.devices()",
    "torch": "import torch as b; d = ['cpu'] + [b.cuda.get_device_name(i) for i in "
    "range(b.cuda.device_count())] + ['mps'] * b.backends.mps.is_available()",
}
SECONDS = 120


def main(description: str | None = __doc__) -> None:
    """Runs the command line; the exit code is 1 if no backend works for the command."""
    options = make_parser(description).parse_args()
    found = examine()
    print(json.dumps(found, indent=2) if options.json else as_text(found))
    if found["command_runs_on"] is None:
        sys.exit(1)


def examine() -> dict[str, Any]:
    """The facts, as JSON data."""
    name, source = chosen_backend()
    backends = {backend: _examine_backend(backend) for backend in BACKENDS}
    working = [each for each, facts in backends.items() if "devices" in facts]
    replaced = source != "KERAS_BACKEND" and backends.get(name) == {} and working != []
    runs_on = name if name in working else working[0] if replaced else None
    return {
        "cctzoo": cctzoo.__version__,
        "folder": os.path.dirname(cctzoo.__file__),
        "python": f"{platform.python_version()}, {sys.executable}",
        "system": platform.platform(),
        "machine": machine_name(),
        "usable_cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gb": _memory_gb(),
        "threads": {k: v for k, v in os.environ.items() if k.endswith("_NUM_THREADS")},
        "packages": installed_versions(("keras", "numpy", "safetensors")),
        "backend": {"name": name, "chosen_by": source},
        "backends": backends,
        "features": {feature: _examine_feature(feature, runs_on) for feature in FEATURES},
        "command_runs_on": runs_on,
    }


def as_text(found: dict[str, Any]) -> str:
    """The facts as lines of text, with what to do at the end."""
    name, source = found["backend"].values()
    memory = found["memory_gb"]
    lines = {
        "cctzoo": f"{found['cctzoo']} in {found['folder']}",
        "Python": found["python"],
        "system": found["system"],
        "processor": f"{found['machine']}, {found['usable_cores']} usable",
        "memory": "not known" if memory is None else f"{memory:.1f} GB",
        "threads": ", ".join(f"{k}={v}" for k, v in found["threads"].items()) or "not limited",
        "packages": ", ".join(f"{k} {v}" for k, v in found["packages"].items()),
        "backend": f"{name}, chosen by {source}",
    }
    for backend, facts in found["backends"].items():
        lines[f"  {backend}"] = _backend_text(backend, facts)
    for feature, facts in found["features"].items():
        lines[feature] = (
            f"missing {', '.join(facts['missing'])}: pip install 'cctzoo[{facts['extra']}]'"
            if facts["missing"]
            else "yes"
        )
    width = max(map(len, lines)) + 2
    text = [f"{key + ':':<{width}}{value}" for key, value in lines.items()]
    return "\n".join([*text, "", _advice(found)])


def _examine_backend(name):
    """Version and devices, or the error of the import; an empty dict if it is not installed."""
    if importlib.util.find_spec(name) is None:
        return {}
    code = f"{DEVICES[name]}; print(); print(b.__version__); print(*d, sep=', ')"
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env=environment,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"its import takes more than {SECONDS} s"}
    if done.returncode:
        return {"error": (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]}
    version, devices = done.stdout.splitlines()[-2:]
    return {"version": version, "devices": devices}


def _examine_feature(feature, backend):
    """The missing packages of the way that lacks fewest, and the extra that installs them."""
    ways = [each[feature] for each in (WITH_TORCH, FEATURES) if feature in each]
    found = [
        {
            "missing": [DISTRIBUTIONS.get(p, p) for p in packages if not is_installed(p)],
            "extra": extra,
        }
        for packages, extra in (ways if backend == "torch" else ways[-1:])
    ]
    return min(found, key=lambda way: len(way["missing"]))


def _backend_text(name, facts):
    if "error" in facts:
        return f"broken: {facts['error']}"
    if not facts:
        return f"not installed: pip install 'cctzoo[{name}]'"
    return f"{facts['version']}, devices: {facts['devices']}"


def _advice(found):
    name, runs_on = found["backend"]["name"], found["command_runs_on"]
    if runs_on == name:
        return f"cctzoo works with {name}."
    if runs_on is not None:
        return (
            f"The command cctzoo runs on {runs_on}, since {name} is not installed. In Python, set "
            f"KERAS_BACKEND={runs_on}."
        )
    if working := [each for each, facts in found["backends"].items() if "devices" in facts]:
        return f"Set KERAS_BACKEND={working[0]}: {name} does not work."
    return "Install a backend: pip install 'cctzoo[jax]', 'cctzoo[tensorflow]' or 'cctzoo[torch]'."


def _memory_gb():
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):  # not on Windows
        return None


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser
