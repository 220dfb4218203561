"""The command `cctzoo`: its words, its help and its exit codes.

The help of each command is stored in cctzoo/commands/help, so that it appears without importing
Keras. To write it: `python -m tests.test_commands`.
"""

import csv
import importlib
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

import cctzoo
from cctzoo import weights
from cctzoo.commands import main as command
from cctzoo.commands.main import COMMANDS, HELP
from cctzoo.exit_codes import BROKEN_PIPE, INTERRUPTED
from cctzoo.weights.registry import WEIGHTS
from tests.export.sample import once

ACCURACY = f"{WEIGHTS['cct_2_3x2_32.cifar10'].accuracy:.2%}"
COLUMNS = "100"

torch_only = pytest.mark.one_backend("torch")


def help_of(name):
    """What the parser of a command prints for --help, 100 columns wide."""
    module = importlib.import_module(f"cctzoo.commands.{COMMANDS[name][0]}")
    parser = module.make_parser(module.__doc__)
    parser.prog = f"cctzoo {name}"
    os.environ["COLUMNS"] = COLUMNS
    return parser.format_help()


@torch_only
@pytest.mark.parametrize("name", COMMANDS)
def test_stored_help_is_that_of_the_parser(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", COLUMNS)
    assert (HELP / f"{name}.txt").read_text() == help_of(name)


def run(capsys, *words, status=0):
    """The standard output and error of `cctzoo WORDS`."""
    code = 0
    try:
        command.main(list(map(str, words)))
    except SystemExit as end:
        code = end.code or 0
    out, err = capsys.readouterr()
    assert code == status, err
    return out, err


@pytest.fixture(autouse=True)
def own_arguments(monkeypatch):
    """`main` sets the words of the command line for the command."""
    monkeypatch.setattr(sys, "argv", ["cctzoo"])


@torch_only
@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_overview_names_every_command(capsys, words):
    out, _ = run(capsys, *words)
    for name, (_, summary) in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(summary)}$", out, re.MULTILINE)


@torch_only
def test_help_and_version(capsys):
    assert run(capsys, "train", "--help")[0] == (HELP / "train.txt").read_text()
    assert run(capsys, "--version")[0] == f"cctzoo {cctzoo.__version__}\n"


@torch_only
def test_an_unknown_command(capsys):
    _, err = run(capsys, "trian", status=2)
    assert err == (
        "cctzoo: The first word must be a command; `cctzoo --help` lists them. "
        "Did you mean: train? Received: 'trian'\n"
    )


@torch_only
def test_help_needs_no_keras(tmp_path):
    """In a process of its own, from another folder."""
    code = (
        "import sys; sys.modules['keras'] = None; sys.argv[0] = 'cctzoo'; "
        "from cctzoo.commands.main import main; main(['search', '--help'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(Path(cctzoo.__file__).parents[1])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (HELP / "search.txt").read_text()


@torch_only
def test_list(capsys):
    names = json.loads(run(capsys, "list", "cct_c*", "text_cct_2_k*", "--json")[0])
    texts = ["text_cct_2_k1", "text_cct_2_k2", "text_cct_2_k4"]
    convolutional = ["cct_conv", "cct_conv6", "cct_conv_polynomial", "cct_conv6_polynomial"]
    assert names == [*texts, *convolutional]
    table, _ = run(capsys, "list", "cct_c*", "--exclude", "*_polynomial")
    assert [line.split()[0] for line in table.splitlines()] == ["model", "cct_conv", "cct_conv6"]
    tags, _ = run(capsys, "list", "--weights", "*cifar10*", "--exclude", "*_sine*")
    assert "cct_2_3x2_32.cifar10" in tags
    assert f"{ACCURACY}  in the package" in tags


@torch_only
def test_a_list_without_a_name(capsys):
    out, err = run(capsys, "list", "xyz*", status=1)
    assert (out, err) == ("", "cctzoo list: no model matches xyz*\n")


@torch_only
@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt, INTERRUPTED), (BrokenPipeError, BROKEN_PIPE)]
)
def test_no_traceback_at_an_interrupt_or_a_closed_output(error, code):
    """In a process of its own: the handler closes the standard output."""
    script = (
        "import sys; sys.argv[0] = 'cctzoo'; from cctzoo.commands import main\n"
        f"def fail(): raise {error.__name__}\n"
        "main.main = fail; main.program()"
    )
    root = str(Path(cctzoo.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": root}, capture_output=True
    )
    assert (done.returncode, done.stderr) == (code, b"")


@torch_only
def test_names_from_files_cannot_control_the_terminal(capsys, tmp_path):
    model = cctzoo.create_model("cct_2_3x2_32", classes=2, depth=1, class_names=("a\x1b[2J", "b"))
    weights.save_weights(model, tmp_path / "model.safetensors")
    Image.new("RGB", (32, 32)).save(tmp_path / "x\x1b[31m.png")
    words = [tmp_path / "model.safetensors", tmp_path / "x\x1b[31m.png"]
    for out in (run(capsys, "predict", *words)[0], run(capsys, "describe", words[0])[0]):
        assert "\\x1b[2J" in out
        assert "\x1b" not in out


@torch_only
def test_describe(capsys, tmp_path):
    out, _ = run(capsys, "describe", "cct_2_3x2_32", "--json")
    found = json.loads(out)
    assert (found["parameters"], found["config"]["heads"]) == (283_723, 2)
    about_weights, _ = run(capsys, "describe", "cct_2_3x2_32.cifar10")
    assert f"accuracy:                {ACCURACY}" in about_weights
    assert "heads:                   64" in run(capsys, "describe", "cct_lsmha")[0]
    _, err = run(capsys, "describe", tmp_path / "nowhere.keras", status=2)
    assert err.startswith("cctzoo describe: ")
    assert "nowhere.keras" in err


@torch_only
def test_predict(capsys, tmp_path):
    Image.new("RGB", (50, 40), "blue").save(tmp_path / "blue.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    words = ("predict", "cct_2_3x2_32.cifar10")
    out, _ = run(capsys, *words, tmp_path / "blue.png", "--top", 2, "--json")
    (found,) = json.loads(out)
    assert found["source"] == str(tmp_path / "blue.png")
    assert len(found["classes"]) == 2
    table = tmp_path / "found.csv"
    out, err = run(capsys, *words, tmp_path, "--csv", table, "--top", 2, status=1)
    assert out == ""
    assert err.startswith("cctzoo predict: skipped ")
    assert "broken.png" in err
    header, row = csv.reader(table.read_text().splitlines())
    assert header == ["sample", "class_1", "probability_1", "class_2", "probability_2"]
    assert row[:2] == [found["source"], found["classes"][0]]
    (tmp_path / "lines.txt").write_text(f"{tmp_path / 'blue.png'}\n")
    out, _ = run(capsys, *words, "--lines", tmp_path / "lines.txt", "--top", 1)
    assert out.startswith(f"{tmp_path / 'blue.png'}: {found['classes'][0]} ")
    assert "no SAMPLE, no --lines" in run(capsys, *words, status=2)[1]


@torch_only
def test_evaluate(capsys):
    found = json.loads(run(capsys, "evaluate", "cct_2_3x2_32.digits", "--json")[0])
    assert (found["samples"], found["stated"]) == (359, 0.9777)
    assert found["accuracy"] == pytest.approx(0.9777, abs=0.003)
    out, _ = run(capsys, "evaluate", "cct_2_3x2_32.digits", "--mirrored", status=1)
    assert "of 359 test images and their mirror images, stated: 97.77%" in out  # digits have sides


@once
def test_export(capsys, tmp_path):
    out, _ = run(
        capsys, "export", "cct_2_3x2_32.digits", "--to", tmp_path, "--formats", "float16", "--json"
    )
    (report,) = json.loads(out)
    assert report["path"] == str(tmp_path / "model_float16.tflite")
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir() if path.is_file()}
    assert len(modes) == 1  # the quantizer's own file is executable
    config = zipfile.ZipFile(report["path"]).read("metadata.json")
    assert json.loads(config)["class_names"] == list("0123456789")


@torch_only
def test_latency_refuses_equal_sources(capsys):
    _, err = run(capsys, "latency", "a.tflite", "a.tflite", status=2)
    assert "Sources must differ. Received: a.tflite a.tflite" in err


if __name__ == "__main__":
    HELP.mkdir(exist_ok=True)
    for command_name in COMMANDS:
        (HELP / f"{command_name}.txt").write_text(help_of(command_name))
        print(HELP / f"{command_name}.txt")
