"""Exports against the Keras model: numbers, graphs and faults."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from cctzoo import export, latency, models, training
from cctzoo.export import convert as convert_module
from cctzoo.export import litert as litert_module
from cctzoo.export.runtime import load_runner

CLASSES = 7
# Under JAX and PyTorch a child process converts the same file by the same code, in 9 s.
once = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the conversion is TensorFlow's everywhere"
)
NAMES = [f"class {i}" for i in range(CLASSES)]


@pytest.fixture(scope="module")
def model():
    """A model with everything that a graph can hold: prefix, batch norms, many heads.

    Its logits are apart as a trained model's are, so that top-1 agreement means something.
    """
    keras.utils.set_random_seed(0)
    model = models.create_model(
        "cct_4_3x1_32",
        input_shape=(16, 12, 3),
        heads=16,
        conv_prefix=2,
        classes=CLASSES,
        classifier_activation=None,
    )
    latency.scatter_weights(model)
    kernel, bias = model.get_layer("classifier").get_weights()
    model.get_layer("classifier").set_weights([20 * kernel, bias])
    return model


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (60, 16, 12, 3)).astype("uint8")


@pytest.fixture(scope="module")
def labels(model, images):
    """The model's own answers but for the first six."""
    labels = model.predict(images, verbose=0).argmax(-1)
    labels[:6] = (labels[:6] + 1) % CLASSES
    return labels


@pytest.fixture(scope="module")
def litert(model, images, labels, tmp_path_factory):
    """Precision -> report of an export, each in a folder of its own."""
    return {
        precision: export.to_litert(
            model,
            tmp_path_factory.mktemp(precision) / "model.tflite",
            precision,
            batch=2,
            images=images,
            labels=labels,
            calibration=images,
            class_names=NAMES,
            least_agreement=0.9,
        )
        for precision in litert_module.PRECISIONS
    }


@pytest.mark.parametrize(
    ("precision", "tolerance", "size"),
    [
        ("float32", 1e-5, 1),
        ("float16", 0.01, 0.56),
        ("dynamic_int8", 0.3, 0.38),
        ("int8", 0.5, 0.4),
    ],
)
def test_litert(model, images, labels, litert, precision, tolerance, size):
    report = litert[precision]
    path = Path(report.path)
    expected, got = model.predict(images, verbose=0), load_runner(path)(images)
    assert np.abs(expected).max() > 1
    assert report.max_difference == pytest.approx(np.abs(got - expected).max(), abs=1e-6)
    assert report.max_difference <= tolerance
    assert report.top1_agreement == np.mean(got.argmax(-1) == expected.argmax(-1))
    assert report.accuracy == np.mean(got.argmax(-1) == labels)
    assert report.keras_accuracy == 0.9
    assert report.partitions == 1
    assert report.bytes == path.stat().st_size <= size * litert["float32"].bytes
    assert report.operators["CONV_2D"] == 3  # batch norms are folded
    assert report.operators["SOFTMAX"] == 2 + 1  # blocks, pooling
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "model.tflite",
        "model.tflite.json",
    ]


def test_batch_norms_leave_no_arithmetic(litert):
    """Normalisation of pixels, layer norms, residuals and the query's scale account for all."""
    operators = litert["float32"].operators
    blocks, norms = 2, 5
    assert operators["RSQRT"] == norms
    assert operators["MUL"] == 1 + blocks + 2 * norms
    assert operators.get("DIV", 0) == 0


def test_int8_is_static_in_the_encoder_only(litert):
    counts = litert["int8"].operators
    blocks, dense = 2, 4
    assert counts["QUANTIZE"] >= blocks * dense - blocks
    assert "QUANTIZE" not in litert["dynamic_int8"].operators


def test_the_file_describes_the_model(model, litert):
    path = Path(litert["int8"].path)
    about = json.loads(zipfile.ZipFile(path).read("metadata.json"))
    assert about["class_names"] == NAMES
    assert about["output"] == "logits"
    assert about["input"]["shape"] == [16, 12, 3]
    assert about["input"]["values"] == "0 to 255"
    beside = json.loads(path.with_name("model.tflite.json").read_text())
    assert beside.pop("export")["bytes"] == path.stat().st_size
    assert beside == about
    assert models.CCTConfig(**about["config"]) == model.config


def test_saved_model(model, images, labels, tmp_path):
    """Any batch, uint8 and float32; weights stored once; one that is there is replaced."""
    path = tmp_path / "saved"
    for _ in range(2):
        report = export.to_saved_model(model, path, images, labels, NAMES)
    assert report.max_difference <= 1e-5
    assert (report.top1_agreement, report.accuracy) == (1, 0.9)
    assert report.bytes < 4 * model.count_params() + 700_000
    assert [file.name for file in tmp_path.iterdir()] == ["saved"]
    about = json.loads((path / "assets.extra/cctzoo.json").read_text())
    assert about["class_names"] == NAMES
    for count in (1, 3):
        expected = model.predict(images[:count], verbose=0)
        np.testing.assert_allclose(load_runner(path)(images[:count]), expected, atol=1e-5)
    tf = pytest.importorskip("tensorflow")
    served = tf.saved_model.load(str(path)).signatures["serving_default"]
    (output,) = served(image=tf.constant(images[:3])).values()  # uint8
    np.testing.assert_allclose(output, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("function", "name", "files"),
    [
        (export.to_onnx, "model.onnx", ["model.onnx", "model.onnx.json"]),
        (export.to_openvino, "model.xml", ["model.bin", "model.xml", "model.xml.json"]),
    ],
)
@pytest.mark.parametrize("batch", [2, pytest.param(None, marks=once)])
def test_onnx_and_openvino(model, images, labels, tmp_path, function, name, files, batch):
    report = function(model, tmp_path / name, batch, images, labels, NAMES)
    assert report.max_difference <= 1e-5
    assert (report.top1_agreement, report.accuracy) == (1, 0.9)
    assert sum(report.operators.values()) > 50
    assert "BatchNormalization" not in report.operators
    assert sorted(file.name for file in tmp_path.iterdir()) == files
    about = json.loads((tmp_path / f"{name}.json").read_text())
    assert about["class_names"] == NAMES
    runner = load_runner(tmp_path / name)
    expected = model.predict(images[:4], verbose=0)
    np.testing.assert_allclose(runner(images[:4]), expected, atol=1e-5)
    with pytest.raises(ValueError, match=r"images\.shape=\(4, 12, 16, 3\)"):
        runner(images[:4].transpose(0, 2, 1, 3))


def test_openvino_sends_no_statistics():
    """In a process of its own: an import happens once."""
    pytest.importorskip("openvino_telemetry")
    code = (
        "import sys\n"
        "from cctzoo.export.runtime import import_openvino\n"
        "print(import_openvino().Core().available_devices, 'openvino_telemetry' in sys.modules)\n"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert child.stdout.startswith("['CPU"), child.stderr
    assert child.stdout.endswith(" False\n")


@once
def test_onnx_metadata(model, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    export.to_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    about = json.loads(session.get_modelmeta().custom_metadata_map["cctzoo"])
    assert about["input"]["shape"] == [16, 12, 3]


def test_mixed_precision_and_no_preprocessing(tmp_path):
    """Exported in float32; the caller normalises, so there is no uint8 signature."""
    model = models.create_model(
        "cct_2_3x2_32", input_shape=(16, 16, 1), include_preprocessing=False, dtype="mixed_bfloat16"
    )
    report = export.to_litert(model, tmp_path / "model.tflite")
    assert report.max_difference <= 1e-5
    export.to_saved_model(model, tmp_path / "saved")
    assert load_runner(tmp_path / "saved").dtype == np.float32
    about = json.loads((tmp_path / "model.tflite.json").read_text())
    assert about["input"]["values"] == "(value / 255 - mean) / std"
    assert about["output"] == "probabilities"


@once
def test_without_top(tmp_path):
    model = models.create_model("cct_2_3x2_32", input_shape=(16, 16, 1), include_top=False)
    report = export.to_litert(model, tmp_path / "model.tflite")
    assert report.max_difference <= 1e-4
    assert load_runner(tmp_path / "model.tflite")(np.zeros((1, 16, 16, 1))).shape == (1, 4, 4, 128)


@once
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_every_backend_exports_the_same(model, images, litert, tmp_path, backend):
    pytest.importorskip(backend)
    model.save(tmp_path / "model.keras")
    code = (
        "import cctzoo, keras, sys\n"
        "model = keras.saving.load_model(sys.argv[1])\n"
        "cctzoo.export.to_litert(model, sys.argv[2], batch=2)\n"
    )
    path = tmp_path / "model.tflite"
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model.keras"), str(path)],
        env={**os.environ, "KERAS_BACKEND": backend},
        check=True,
        capture_output=True,
    )
    outputs = [load_runner(file)(images) for file in (path, litert["float32"].path)]
    np.testing.assert_allclose(*outputs, atol=1e-4)


@once
@pytest.mark.parametrize("precision", litert_module.PRECISIONS)
def test_depthwise_prefix(tmp_path, images, precision):
    model = models.create_model(
        "cct_4_3x1_32", input_shape=(16, 12, 3), conv_prefix=2, prefix_kind="depthwise", classes=7
    )
    path = tmp_path / "model.tflite"
    report = export.to_litert(model, path, precision, calibration=images)
    assert report.partitions == 1
    assert report.operators["DEPTHWISE_CONV_2D"] == 2
    assert report.max_difference <= 0.05


@once
@pytest.mark.parametrize("kind", ["run", "dataset"])
def test_calibration_from_a_run_or_a_data_set(kind, tmp_path):
    recipe = training.Recipe(changes={"conv_layers": 1})
    recipe.save(tmp_path / "recipe.json")
    source = tmp_path
    if kind == "dataset":
        from cctzoo import data

        source = data.load("digits")
    model = models.create_model("cct_2_3x2_32", input_shape=(16, 16, 1), classes=10)
    report = export.to_litert(model, tmp_path / "model.tflite", "int8", calibration=source)
    assert report.partitions == 1
    assert report.top1_agreement is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "model.bin"}, r"path='.*model\.bin'"),
        ({"path": "nowhere/model.tflite"}, r"path='.*nowhere/model\.tflite'"),
        ({"precision": "int4"}, "precision='int4'"),
        ({"precision": "int16x8"}, 'Use "int8" or "dynamic_int8".*int16x8'),
        ({"batch": 0}, "batch=0"),
        ({"precision": "int8"}, "calibration=None"),
        ({"precision": "int8", "calibration": np.zeros((3, 16, 12, 1))}, r"\(3, 16, 12, 1\)"),
        ({"precision": "int8", "calibration": np.ones((3, 16, 12, 3))}, "values from 1 to 1"),
        ({"precision": "int8", "calibration": np.full((3, 16, 12, 3), np.nan)}, "NaN"),
        ({"precision": "int8", "calibration": "/nowhere"}, "calibration='/nowhere'"),
        ({"class_names": ["a", "b"]}, "2 names, classes=7"),
        ({"images": np.zeros((2, 8, 8, 3))}, r"images\.shape=\(2, 8, 8, 3\)"),
        ({"images": np.zeros((3, 16, 12, 3)), "batch": 2}, r"n a multiple of 2"),
        ({"labels": [1]}, "images=None"),
        ({"images": np.zeros((2, 16, 12, 3)), "labels": [1]}, "1 labels, 2 images"),
    ],
)
def test_wrong_arguments_before_any_work(model, tmp_path, monkeypatch, arguments, message):
    monkeypatch.setattr(litert_module, "convert", None)
    arguments = {"path": "model.tflite"} | arguments
    path = tmp_path / arguments.pop("path")
    with pytest.raises(ValueError, match=message):
        export.to_litert(model, path, **arguments)
    assert not any(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
def test_models_that_cannot_be_exported(model, tmp_path):
    with pytest.raises(ValueError, match=r"must be a cctzoo\.models\.CCT"):
        export.to_litert(keras.Sequential([keras.Input((4,))]), tmp_path / "model.tflite")
    copy = models.CCT.from_config(model.get_config())
    copy.quantize("int8")
    with pytest.raises(ValueError, match="quantised"):
        export.to_onnx(copy, tmp_path / "model.onnx")


@once
def test_too_little_agreement_is_an_error_unless_asked_for(model, images, tmp_path, monkeypatch):
    """A graph that always names class 6 stands for one that quantisation has spoilt."""
    monkeypatch.setattr(litert_module, "convert", broken_copy)
    arguments = (model, tmp_path / "model.tflite", "dynamic_int8")
    with pytest.raises(export.ExportError, match=r"top1_agreement=\d+\.\d+% on 60 images"):
        export.to_litert(*arguments, images=images)
    assert not any(tmp_path.iterdir())
    export.to_litert(*arguments, images=images, least_agreement=0)


def broken_copy(model, path, kind, batch=None):
    """Stands for a converter that reports success for a wrong graph."""
    wrong = models.CCT.from_config(model.get_config())
    wrong.get_layer("classifier").bias.assign(1000 * np.arange(7.0))
    original_convert(wrong, path, kind, batch)


original_convert = convert_module.convert


def test_a_wrong_graph_is_an_error_and_leaves_the_old_file(model, tmp_path, monkeypatch):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")
    monkeypatch.setattr(litert_module, "convert", broken_copy)
    with pytest.raises(export.ExportError, match="max_difference="):
        export.to_litert(model, path)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["model.tflite"]


def test_a_folder_that_is_no_saved_model_is_not_replaced(model, tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(ValueError, match="photos"):
        export.to_saved_model(model, tmp_path / "photos")


@pytest.mark.parametrize("function", [export.to_litert, export.to_saved_model, export.to_onnx])
def test_an_unwritable_folder(model, tmp_path, monkeypatch, function):
    """`os.access` stands in: a superuser may write anywhere."""
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    suffix = {export.to_litert: ".tflite", export.to_onnx: ".onnx"}.get(function, "")
    with pytest.raises(PermissionError, match=str(tmp_path)):
        function(model, tmp_path / f"model{suffix}")


@once
def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path):
    """A limit on the size of files, which the weights exceed, in a process of its own."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")
    code = (
        "import cctzoo, sys\n"
        "model = cctzoo.models.create_model('cct_2_3x2_32', input_shape=(16, 16, 1))\n"
        "cctzoo.export.to_litert(model, sys.argv[1])\n"
    )
    limit = 100_000  # bytes; the model has four times as many
    result = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "ExportError: The conversion to litert failed" in result.stderr
    assert "File too large" in result.stderr
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["model.tflite"]


def test_a_truncated_file(litert, tmp_path):
    whole = Path(litert["float32"].path).read_bytes()
    path = tmp_path / "model.tflite"
    for part in (0, 100, len(whole) // 2):
        path.write_bytes(whole[:part])
        with pytest.raises(ValueError, match=r"whole LiteRT graph.*model\.tflite"):
            load_runner(path)


def test_images_of_another_shape_in_the_runner(litert, images):
    runner = load_runner(litert["float32"].path)
    for wrong in (images[:, :8], images[..., :1], images[:3], images[:0], images[0]):
        with pytest.raises(ValueError, match=r"images\.shape="):
            runner(wrong)


@pytest.mark.parametrize(
    "name",
    ["cct_7_3x1_32", "cct_lsmha", "cct_conv", "cct_2_3x2_32_sine", "cvt_2_4_32", "vit_2_4_32"],
)
def test_the_zoo_is_one_partition(name, tmp_path):
    report = export.to_litert(models.create_model(name), tmp_path / "model.tflite")
    assert report.partitions == 1
    assert report.max_difference <= 1e-4


@once
def test_a_group_of_heads_is_finished_before_the_next(tmp_path):
    """In the converter's order of operators; else the scores of all heads are held at once."""
    model = models.create_model("cct_7_3x1_32", heads=64, depth=3)
    export.to_litert(model, tmp_path / "model.tflite")
    interpreter = load_runner(tmp_path / "model.tflite").interpreter
    shapes = {tensor["index"]: tensor["shape"] for tensor in interpreter.get_tensor_details()}
    held, most = 0, 0
    for operator in interpreter._get_ops_details():
        if operator["op_name"] == "BATCH_MATMUL":
            rows = shapes[operator["outputs"][0]][-2]
            held += 1 if rows == 256 else -1  # scores (256, 256), or averages (4, 256)
            most = max(most, held)
    assert most <= 2
