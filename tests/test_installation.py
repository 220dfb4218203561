"""Which backend is chosen, what the doctor finds, and the hints where something is missing."""

import json
import subprocess
import sys

import pytest

from cctzoo import installation
from cctzoo.commands import doctor
from cctzoo.installation import backend_hint, chosen_backend, select_installed_backend

pytestmark = pytest.mark.one_backend("torch")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine where only JAX is installed, and nothing chooses a backend."""
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(installation, "installed_backends", lambda: ["jax"])
    return tmp_path


def test_what_chooses_the_backend(machine, monkeypatch):
    assert chosen_backend() == ("tensorflow", "the default of Keras")
    (machine / "keras.json").write_text("broken")
    assert chosen_backend() == ("tensorflow", "the default of Keras")
    (machine / "keras.json").write_text('{"backend": "torch"}')
    assert chosen_backend() == ("torch", str(machine / "keras.json"))
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert chosen_backend() == ("jax", "KERAS_BACKEND")


def test_an_installed_backend_takes_the_place_of_the_default(machine, monkeypatch):
    environment = {}
    assert "is not installed; using KERAS_BACKEND=jax" in select_installed_backend(environment)
    assert environment == {"KERAS_BACKEND": "jax"}
    monkeypatch.setenv("KERAS_BACKEND", "torch")  # the user's choice stays, and fails
    assert select_installed_backend(environment) is None
    assert backend_hint() == (
        "Keras needs a backend: 'torch', chosen by KERAS_BACKEND, is not installed. "
        "Set KERAS_BACKEND=jax, which is installed."
    )
    monkeypatch.setattr(installation, "installed_backends", list)
    assert "pip install 'cctzoo[jax]'" in backend_hint()


def test_import_without_the_backend(machine, tmp_path):
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'tensorflow' else find(name, *a)\n"
        "import cctzoo"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: Keras needs a backend: 'tensorflow', chosen by")
    assert "Set KERAS_BACKEND=" in last


def test_doctor(monkeypatch, capsys):
    """The backends are not imported here: that takes seconds."""
    facts = {"tensorflow": {}, "jax": {"error": "broken"}}
    working = {"version": "2", "devices": "cpu"}
    monkeypatch.setattr(doctor, "_examine_backend", lambda name: facts.get(name, working))
    monkeypatch.setattr(doctor, "is_installed", lambda name: name != "onnxruntime")
    monkeypatch.setattr(sys, "argv", ["doctor", "--json"])
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    doctor.main()
    found = json.loads(capsys.readouterr().out)
    assert found["command_runs_on"] == "torch"
    assert found["features"]["export to ONNX"] == {"missing": ["onnxruntime"], "extra": "onnx"}
    text = doctor.as_text(found)
    assert "  tensorflow:         not installed: pip install 'cctzoo[tensorflow]'\n" in text
    assert "missing onnxruntime: pip install 'cctzoo[onnx]'" in text
    assert "broken: broken" in text
    assert text.endswith("cctzoo works with torch.")
    both = {"missing": ["onnxruntime"], "extra": "onnx,tf2onnx"}  # TensorFlow converts for JAX
    assert doctor._examine_feature("export to ONNX", "jax") == both
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(SystemExit, match="1"):
        doctor.main()
    assert doctor.as_text(doctor.examine()).endswith("Set KERAS_BACKEND=torch: jax does not work.")


def test_doctor_of_a_machine_without_the_default(machine, monkeypatch):
    """The command takes an installed backend, unless the user has chosen another one."""
    working = {"version": "2", "devices": "cpu"}
    monkeypatch.setattr(doctor, "_examine_backend", lambda name: working if name == "jax" else {})
    found = doctor.examine()
    assert found["command_runs_on"] == "jax"
    assert "runs on jax, since tensorflow is not installed" in doctor.as_text(found)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert doctor.examine()["command_runs_on"] is None


@pytest.mark.parametrize("backend", ["torch", "no_such_backend"])
def test_a_backend_is_examined_in_a_process_of_its_own(backend, monkeypatch):
    monkeypatch.setitem(
        doctor.DEVICES, backend, "import types as b; b.__version__ = '3'; d = ['x']"
    )
    expected = {"version": "3", "devices": "x"} if backend == "torch" else {}
    assert doctor._examine_backend(backend) == expected
    monkeypatch.setitem(doctor.DEVICES, "torch", "raise OSError('no library')")
    assert doctor._examine_backend("torch") == {"error": "OSError: no library"}
