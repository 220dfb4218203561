"""The recipes that export, classify and measure latency, on small models."""

import importlib.util
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from cctzoo import data, export, models, training
from tests.training.few import few_digits

tensorflow_only = pytest.mark.one_backend("tensorflow")  # TensorFlow converts on every backend
jax_only = pytest.mark.one_backend("jax")  # nothing is converted
RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture(scope="module")
def classify():
    spec = importlib.util.spec_from_file_location("classify", RECIPES / "device/classify_tflite.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def model():
    return models.create_model(
        "cct_2_3x2_32", input_shape=(16, 16, 3), classes=4, classifier_activation=None
    )


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
def test_classification_equals_that_of_keras(run, model, classify, tmp_path):
    names = ["one", "two", "three", "four"]
    path = tmp_path / "model.tflite"
    export.to_litert(model, path, class_names=names)
    folder = tmp_path / "photos"
    folder.mkdir()
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype("uint8")
    for i, image in enumerate(images):
        (folder / f"{i}.ppm").write_bytes(b"P6 16 16 255\n" + image.tobytes())
    (folder / "3.png").write_bytes(b"not an image")
    # The status is 1, because one file is not an image.
    done = run("device/classify_tflite.py", path, folder, "--top", 2, status=1)
    assert "3.png" in done.stderr
    lines = done.stdout.splitlines()
    logits = model.predict(images, verbose=0)
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    for line, row in zip(lines, probabilities, strict=True):
        first, second = np.argsort(-row)[:2]
        assert f"{names[first]} {row[first]:.1%}, {names[second]} {row[second]:.1%}" in line


@tensorflow_only
def test_classify_needs_neither_keras_nor_pillow(model, tmp_path):
    path, image = tmp_path / "model.tflite", tmp_path / "image.ppm"
    export.to_litert(model, path)
    image.write_bytes(b"P6 2 1 255\n" + bytes(range(6)))
    code = (
        "import runpy, sys\n"
        "sys.modules.update(dict.fromkeys(['keras', 'tensorflow', 'cctzoo', 'PIL']))\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    arguments = [str(RECIPES / "device/classify_tflite.py"), str(path), str(image)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{image}: class " in done.stdout


@tensorflow_only
def test_classify_texts_needs_no_keras(run, tmp_path):
    """The device script predicts what Keras predicts, without Keras; it refuses image models."""
    words = ("a", "cat", "dog", "猫")
    model = models.text_cct(vocabulary=words, word_dim=5, length=6, classes=3)
    path = tmp_path / "model.tflite"
    export.to_litert(model, path, batch=2, class_names=["one", "two", "three"])
    texts = ["A Cat", "dog! 猫猫 a\u200bcat dog dog", ""]
    code = (
        "import runpy, sys\n"
        "sys.modules.update(dict.fromkeys(['keras', 'tensorflow', 'cctzoo']))\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    arguments = [str(RECIPES / "device/classify_text_tflite.py"), str(path), "--top", "3"]
    command = [sys.executable, "-c", code, *arguments]
    given = subprocess.run([*command, *texts], capture_output=True, text=True)
    lines = subprocess.run(
        command, capture_output=True, text=True, input="".join(f"{text}\n" for text in texts)
    )
    expected = model.predict(model.vocabulary(texts), verbose=0)
    for done in (given, lines):
        assert done.returncode == 0, done.stderr
        for line, text, row in zip(done.stdout.splitlines(), texts, expected, strict=True):
            best = [("one", "two", "three")[i] for i in np.argsort(-row)]
            assert line.startswith(f"{text}: {best[0]} {row.max():.1%}, {best[1]} ")
    image = tmp_path / "image.ppm"
    image.write_bytes(b"P6 2 1 255\n" + bytes(range(6)))
    assert "takes texts" in run("device/classify_tflite.py", path, image, status=1).stderr


@tensorflow_only
def test_export_and_latency_of_a_named_text_model(run):
    named = ["--models", "text_cct_2_k2", "--formats", "dynamic_int8", "int8", "keras"]
    done = run("benchmarks/latency.py", *named, "--runs", 2)
    cells = done.stdout.splitlines()[-1].split(" | ")
    assert cells[1].startswith("1.000, 6.")  # megabytes
    assert len(cells) == 4
    formats = ["float32", "saved_model", "onnx"]
    done = run("export_model.py", "text_cct_2_k2", "--formats", *formats, "--to", "out")
    assert done.stdout.count("max difference") == 3


def png(image, kinds):
    """A PNG with the given row filters, in the slow and obvious way."""
    height, width, channels = image.shape
    padded = np.zeros((height + 1, width + 1, channels), int)
    padded[1:, 1:] = image
    rows = b""
    for y in range(height):
        here, above = padded[y + 1], padded[y]
        row = []
        for x in range(1, width + 1):
            for c in range(channels):
                a, b, d = here[x - 1, c], above[x, c], above[x - 1, c]
                p = a + b - d
                paeth = min((a, b, d), key=lambda value, p=p: abs(p - value))
                guess = [0, a, b, (a + b) // 2, paeth][kinds[y]]
                row.append((here[x, c] - guess) % 256)
        rows += bytes([kinds[y], *row])

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + b"\0\0\0\0"

    header = struct.pack(">2I5B", width, height, 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@jax_only
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png(classify, channels):
    image = np.random.default_rng(0).integers(0, 256, (7, 5, channels)).astype("uint8")
    data = png(image, kinds=[4, 3, 2, 1, 0, 4, 3])
    assert (classify.decode(data) == image).all()
    for broken in (data[:20], data[:60], data[:-12], b"", b"P6 5 7 255\nshort"):
        with pytest.raises(ValueError, match="PNG"):
            classify.decode(broken)


@jax_only
def test_resize(classify):
    """Rows of weights sum to 1, equal sizes change nothing, and a halved ramp keeps its mean."""
    image = np.random.default_rng(0).uniform(0, 255, (6, 9, 3))
    np.testing.assert_allclose(classify.resize(image, 6, 9), image)
    for old, new in ((9, 4), (4, 9), (1, 5), (100, 32)):
        np.testing.assert_allclose(classify.weights(old, new).sum(1), 1)
    ramp = np.arange(32.0)[:, None, None] * np.ones((1, 32, 1))
    smaller = classify.resize(ramp, 16, 16)[:, 0, 0]
    np.testing.assert_allclose(np.diff(smaller)[2:-2], 2)
    assert smaller.mean() == pytest.approx(ramp.mean())


@tensorflow_only
def test_measure_latency(run, tmp_path):
    done = run(
        "benchmarks/latency.py",
        "--models",
        "cct_2_3x2_32",
        "cvt_2_4_32",
        "--runs",
        3,
        "--to",
        "out",
    )
    assert "| `cvt_2_4_32` |" in done.stdout
    rows = json.loads((tmp_path / "out" / "latency.json").read_text())["rows"]
    assert [row["name"] for row in rows][:2] == ["cct_2_3x2_32 float32", "cct_2_3x2_32 float16"]
    assert len(rows) == 8
    assert (tmp_path / "out" / "latency.png").read_bytes().startswith(b"\x89PNG")
    exports = json.loads((tmp_path / "out" / "exports.json").read_text())
    assert all(report["partitions"] == 1 for report in exports.values())


@tensorflow_only
def test_measure_latency_of_formats_and_files(run, tmp_path):
    formats = ["float32", "saved_model", "onnx", "openvino", "keras"]
    done = run(
        "benchmarks/latency.py",
        "--models",
        "cct_2_3x2_32.digits",
        "--formats",
        *formats,
        "--runs",
        2,
    )
    cells = done.stdout.splitlines()[-1].split(" | ")
    assert cells[1].startswith("1.000, ")
    assert len(cells) == 6
    export.to_litert(models.create_model("cct_2_3x2_32"), tmp_path / "a.tflite")
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
        ("export_model.py", ["cct_2_3x2_32", "--batch", "0"], "--batch"),
        ("export_model.py", ["cct_2_3x2_32", "--formats", "onnx", "bmp"], "'bmp'"),
        ("device/classify_tflite.py", ["none.tflite", "."], "none.tflite"),
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
