"""The recipes that export and measure latency, on small models."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from cctzoo import data, export, models, training
from tests.training.few import few_digits

tensorflow_only = pytest.mark.one_backend("tensorflow")  # TensorFlow converts on every backend
jax_only = pytest.mark.one_backend("jax")  # nothing is converted
RECIPES = Path(__file__).parents[2] / "recipes"


@tensorflow_only
def test_export_of_a_run(run, tmp_path):
    training.train(few_digits(epochs=1, warmup_epochs=0, test_samples=70), tmp_path / "run")
    formats = ["float32", "int8", "onnx", "saved_model"]
    done = run(
        "export_model.py",
        "run",
        "--formats",
        *formats,
        "--samples",
        64,
        "--least-agreement",
        0,
    )
    assert done.stdout.count("top-1 agreement") == 4
    folder = tmp_path / "run" / "export"
    about = json.loads((folder / "model_int8.tflite.json").read_text())
    assert about["class_names"] == [str(digit) for digit in range(10)]
    assert about["export"]["samples"] == 64
    assert (folder / "saved_model" / "saved_model.pb").is_file()
    # On another machine, without the data: noise, and the class names of the run.
    recipe = json.loads((tmp_path / "run" / "recipe.json").read_text())
    (tmp_path / "run" / "recipe.json").write_text(json.dumps(recipe | {"dataset": "npz:gone.npz"}))
    done = run("export_model.py", "run", "--formats", "float32", status=1)
    assert "--no-data" in done.stderr.splitlines()[-1]
    done = run("export_model.py", "run", "--formats", "float32", "int8", "--no-data", status=1)
    assert "--no-data with --formats int8" in done.stderr.splitlines()[-1]
    done = run("export_model.py", "run", "--formats", "float32", "--no-data")
    assert "agreement" not in done.stdout
    noisy = json.loads((folder / "model_float32.tflite.json").read_text())
    assert noisy["class_names"] == about["class_names"]


@tensorflow_only
def test_export_of_a_name_and_its_errors(run, tmp_path):
    done = run("export_model.py", "cct_2_3x2_32", "--formats", "float16", "int8", status=1)
    assert "calibration=None" in done.stderr
    files = [path.name for path in (tmp_path / "exports" / "cct_2_3x2_32").iterdir()]
    assert sorted(files) == ["model_float16.tflite", "model_float16.tflite.json"]
    done = run("export_model.py", "cct_2_3x2", status=1)
    assert "variant='cct_2_3x2'" in done.stderr.splitlines()[-1]


@tensorflow_only
def test_export_and_latency_of_a_named_text_model(run):
    named = ["--models", "text_cct_2_k2", "--formats", "int8", "keras"]
    done = run("benchmarks/latency.py", *named, "--runs", 2)
    cells = done.stdout.splitlines()[-1].split(" | ")
    assert cells[1].startswith("1.000, 6.")  # megabytes
    assert len(cells) == 3
    done = run("export_model.py", "text_cct_2_k2", "--formats", "saved_model", "--to", "out")
    assert done.stdout.count("outputs differ from Keras' by at most") == 1


@tensorflow_only
def test_measure_latency(run, tmp_path):
    formats = ["float32", "saved_model", "keras"]
    names = ["cct_2_3x2_32.digits", "cvt_2_4_32"]
    done = run(
        "benchmarks/latency.py",
        "--models",
        *names,
        "--formats",
        *formats,
        "--runs",
        2,
        "--to",
        "out",
    )
    first, second = (line.split(" | ") for line in done.stdout.splitlines()[-2:])
    assert first[1].startswith("1.000, ")
    assert second[0] == "| `cvt_2_4_32`"
    assert len(first) == len(second) == 4
    rows = json.loads((tmp_path / "out" / "latency.json").read_text())["rows"]
    assert [row["name"] for row in rows] == [f"{name} {each}" for name in names for each in formats]
    assert (tmp_path / "out" / "latency.png").read_bytes().startswith(b"\x89PNG")
    exports = json.loads((tmp_path / "out" / "exports.json").read_text())
    assert exports["cvt_2_4_32 float32"]["partitions"] == 1


@tensorflow_only
def test_latency_of_a_file(run, tmp_path):
    export.to_litert(models.create_model("cct_2_3x2_32", depth=1), tmp_path / "a.tflite")
    done = run("benchmarks/latency.py", "--files", "a.tflite", "--runs", 2)
    assert done.stdout.splitlines()[1].startswith("a.tflite")


@jax_only
@pytest.mark.parametrize(
    ("script", "arguments", "received"),
    [
        ("benchmarks/latency.py", ["--models", "cct_2"], "variant='cct_2'"),
        ("benchmarks/latency.py", ["--models", "cct_2.digits"], "models='cct_2.digits'"),
        ("benchmarks/latency.py", ["--runs", "0"], "--runs must be at least 1. Received: runs=0"),
        ("benchmarks/latency.py", ["--files", "none.tflite"], "'none.tflite'"),
        ("benchmarks/attention_latency.py", ["--tokens", "65"], "square numbers"),
        ("benchmarks/attention_latency.py", ["--heads", "5"], "heads=5"),
        ("benchmarks/attention_accuracy.py", ["--heads", "5", "--preset", "digits"], "heads=5"),
        ("export_model.py", ["cct_2_3x2_32", "--batch", "0"], "--batch"),
        ("export_model.py", ["cct_2_3x2_32", "--formats", "onnx", "bmp"], "'bmp'"),
        ("device/classify_tflite.py", ["none.tflite", "."], "none.tflite"),
        ("device/classify_tflite.py", ["none.tflite", ".", "--top", "0"], "--top"),
        ("device/classify_text_tflite.py", ["none.tflite", "."], "none.tflite"),
        ("benchmarks/compare_latency.py", ["--threads", "0"], "--threads"),
    ],
)
def test_invalid_arguments_print_one_line(script, arguments, received, run, tmp_path):
    done = run(script, *arguments, status=2)
    assert received in done.stderr.splitlines()[-1]
    assert not any(tmp_path.iterdir())


@jax_only
def test_calibration_digits_are_real_images():
    spec = importlib.util.spec_from_file_location("measure", RECIPES / "benchmarks/latency.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    images = module.digits(models.variant_config("cct_2_3x2_32"))
    assert images.shape == (100, 32, 32, 3)
    means = data.load("digits").x_train[:100].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), means, rtol=0.02)
