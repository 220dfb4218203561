"""The quick start: a short run with export, and invalid arguments."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import pytest

SCRIPT = Path(__file__).parents[2] / "recipes" / "train_cct.py"
jax_only = pytest.mark.one_backend("jax")  # nothing is trained


def train_cct(*arguments, folder):
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def test_short_run(tmp_path):
    exports = keras.backend.backend() == "tensorflow"  # export/ converts on the others
    arguments = ["--epochs", 1, "--heads", 16, "--conv-prefix", 1, "--directory", "out"]
    arguments += ["--train-samples", 200]
    done = train_cct(*arguments, *([] if exports else ["--no-export"]), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "report.json").read_text())["test_samples"] == 359
    assert "test accuracy" in done.stdout
    recipe = json.loads((tmp_path / "out" / "recipe.json").read_text())
    assert recipe["changes"] == {"heads": 16, "conv_prefix": 1}
    if not exports:
        return
    report = json.loads((tmp_path / "out" / "export" / "report.json").read_text())
    assert [each["precision"] for each in report["exports"]] == [
        "float32",
        "dynamic_int8",
        "float32",
    ]
    assert all(Path(tmp_path, each["path"]).exists() for each in report["exports"])
    assert len(report["latency"]["rows"]) == 4
    assert "top-1 agreement" in done.stdout


@jax_only
@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        (["--model", "cct_7_3x1"], "variant='cct_7_3x1'"),
        (["--heads", "25"], "heads=25"),
        (["--conv-prefix", "2"], "conv_prefix=2"),
        (["--dataset", "npz:none.npz"], "name='npz:none.npz'"),
        (["--epochs", "0"], "epochs=0"),
        (["--precision", "float8"], "precision='float8'"),
        (["--directory", "."], "directory='.'"),
        (["--batch-size", "many"], "'many'"),
        (["--resume", "here.txt"], "directory='here.txt'"),
    ],
)
def test_invalid_arguments_print_one_line(arguments, received, run, tmp_path):
    (tmp_path / "here.txt").touch()
    done = run("train_cct.py", *arguments, status=2)
    assert received in done.stderr.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["here.txt"]


@jax_only
def test_help_of_a_model_flag(run):
    done = run("train_cct.py", "--help")
    assert "attention heads of every encoder block" in " ".join(done.stdout.split())
