"""Folders for TensorFlow Serving and Triton, loaded by TensorFlow and ONNX Runtime."""

import json
import re

import numpy as np
import pytest

from cctzoo import export
from cctzoo.export import serving
from tests.models.small import CLASSES, images, predict, small_model
from tests.models.text_models import WORDS, text_model

NAMES = ("ant", "bee", "cat", "dog", "eel")
torch_only = pytest.mark.one_backend("torch")
tensorflow_only = pytest.mark.one_backend("tensorflow")


@tensorflow_only
def test_tensorflow_serving_answers_a_request(tmp_path):
    import tensorflow as tf

    model = small_model(depth=1, class_names=NAMES)
    pixels = images(model, 2).astype("uint8")
    report = export.to_tensorflow_serving(model, tmp_path / "served", "birds", version=3)
    place = tmp_path / "served" / "birds" / "3"
    assert report.path == str(place)
    assert json.loads((place / "assets.extra/cctzoo.json").read_text())["class_names"] == [*NAMES]
    # The server turns each JSON value of "inputs" into a tensor of the signature's dtype.
    request = json.loads(json.dumps({"inputs": {"image": pixels.tolist()}}))
    served = tf.saved_model.load(str(place)).signatures["serving_default"]
    specs = served.structured_input_signature[1]
    inputs = {key: tf.constant(value, specs[key].dtype) for key, value in request["inputs"].items()}
    (output,) = served(**inputs).values()
    np.testing.assert_allclose(output, predict(model, pixels.astype("float32")), atol=1e-5)


@tensorflow_only
def test_tensorflow_serving_takes_texts_and_lists_all_models(tmp_path):
    import tensorflow as tf

    model = text_model("text_vit", depth=1, vocabulary=tuple(f"w{i}" for i in range(WORDS - 2)))
    other = tmp_path / "served" / "b" / "1" / "saved_model.pb"
    other.parent.mkdir(parents=True)
    other.touch()
    export.to_tensorflow_serving(model, tmp_path / "served", "a")
    assert (tmp_path / "served" / "models.config").read_text() == (
        "model_config_list {\n"
        '  config { name: "a" base_path: "/models/a" model_platform: "tensorflow" }\n'
        '  config { name: "b" base_path: "/models/b" model_platform: "tensorflow" }\n'
        "}\n"
    )
    served = tf.saved_model.load(str(tmp_path / "served" / "a" / "1")).signatures
    (output,) = served["serving_default"](text=tf.constant(["w1 w2", ""])).values()
    expected = predict(model, model.vocabulary(["w1 w2", ""]))
    np.testing.assert_allclose(output, expected, atol=1e-5)


@torch_only
def test_triton_names_and_shapes_are_those_of_the_file(tmp_path):
    import onnxruntime

    model = small_model(depth=1, class_names=NAMES)
    report = export.to_triton(model, tmp_path / "repository", "birds", max_batch=8)
    place = tmp_path / "repository" / "birds"
    assert report.path == str(place / "1" / "model.onnx")
    assert (place / "labels.txt").read_text().split() == [*NAMES]
    text = (place / "config.pbtxt").read_text()
    assert text.startswith('name: "birds"\nbackend: "onnxruntime"\nmax_batch_size: 8\n')
    assert 'label_filename: "labels.txt"' in text
    tensors = re.findall(r'name: "(\S+)" data_type: (\S+) dims: (\[[\d, ]+\])', text)
    (name, kind, shape), (output, output_kind, output_shape) = tensors
    assert (kind, json.loads(shape)) == ("TYPE_FP32", [12, 16, 3])
    assert (output_kind, json.loads(output_shape)) == ("TYPE_FP32", [CLASSES])
    session = onnxruntime.InferenceSession(report.path)
    for count in (1, 5):  # the server joins requests
        pixels = images(model, count)
        (got,) = session.run([output], {name: pixels})
        np.testing.assert_allclose(got, predict(model, pixels), atol=1e-5)


@torch_only
def test_triton_without_class_names_takes_ids(tmp_path, monkeypatch):
    from onnx import TensorProto, helper, save

    def write(model, path, *arguments):
        ids = helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", 22])
        out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", 22])
        cast = helper.make_node("Cast", ["ids"], ["out"], to=TensorProto.FLOAT)
        opsets = [helper.make_opsetid("", 18)]
        graph = helper.make_graph([cast], "graph", [ids], [out])
        save(helper.make_model(graph, ir_version=10, opset_imports=opsets), path)

    monkeypatch.setattr(serving, "to_onnx", write)
    model = text_model("text_vit", depth=1)
    export.to_triton(model, tmp_path)
    place = tmp_path / model.name
    assert sorted(path.name for path in place.iterdir()) == ["1", "config.pbtxt"]
    text = (place / "config.pbtxt").read_text()
    assert 'input [ { name: "ids" data_type: TYPE_INT32 dims: [22] } ]' in text
    assert 'output [ { name: "out" data_type: TYPE_FP32 dims: [22] } ]' in text


@torch_only
@pytest.mark.parametrize("function", [export.to_tensorflow_serving, export.to_triton])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "a/b"}, r"`name` must .*Received: name='a/b'"),
        ({"name": ".."}, r"Received: name='\.\.'"),
        ({"version": 0}, "`version` must be at least 1. Received: version=0"),
        ({"class_names": ["one"]}, "1 names, classes=5"),
    ],
)
def test_refusals_write_nothing(function, arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        function(small_model(), tmp_path / "served", **arguments)
    assert not list(tmp_path.iterdir())


@torch_only
def test_folders_and_labels_are_checked(tmp_path):
    model = small_model()
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "absent" / "served"):
        with pytest.raises(ValueError, match="`folder` must be a folder"):
            export.to_triton(model, folder)
    with pytest.raises(ValueError, match=r"no line breaks.*\['a\\nb'\]"):
        export.to_triton(model, tmp_path / "served", class_names=["a\nb", *NAMES[1:]])
    with pytest.raises(ValueError, match="max_batch=0"):
        export.to_triton(model, tmp_path / "served", max_batch=0)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
