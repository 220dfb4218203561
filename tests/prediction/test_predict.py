"""Predictions: what is read, with which view, and which names and probabilities come out."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

import cctzoo
from cctzoo import data, export, models, weights
from cctzoo.prediction import Prediction, predict
from tests.export.sample import once

NAMES = ("ant", "bee", "cow")
SHAPE = (16, 16, 3)
torch_only = pytest.mark.one_backend("torch")


def classifier(**changes):
    keras.utils.set_random_seed(0)
    fields = {"classes": 3, "class_names": NAMES, "view": data.View(crop_pct=1.0)}
    fields |= {"input_shape": SHAPE, "depth": 1}
    return models.create_model("cct_2_3x2_32", **fields | changes)


def text_model(words):
    keras.utils.set_random_seed(0)
    fields = {"length": 8, "word_dim": 8, "embed_dim": 8, "heads": 2, "depth": 1}
    return models.create_model(
        "text_cct_2_k2", vocabulary=words, classes=2, class_names=("no", "yes"), **fields
    )


@pytest.fixture(scope="module")
def model():
    return classifier()


@pytest.fixture
def photos(tmp_path):
    """A folder with images of several sizes and kinds, and other files."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    random = np.random.default_rng(0)
    for i, (name, size) in enumerate(
        {"a.png": (40, 30), "b.jpg": (16, 16), "more/c.png": (9, 50), "d.gif": (20, 20)}.items()
    ):
        pixels = random.integers(0, 256, (size[1], size[0], 3)).astype("uint8")
        Image.fromarray(pixels).convert("RGB" if i else "RGBA").save(folder / name)
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated
    Image.new("RGB", (30, 20), "red").save(folder / "e.jpg", exif=exif)
    return folder


def expected(model, paths):
    """Probabilities by Keras itself."""
    return model.predict(model.read_images([str(path) for path in paths]), verbose=0)


def test_images_of_a_folder(model, photos):
    paths = sorted(path for path in photos.rglob("*") if path.is_file())
    found = {each.source: each for each in predict(model, photos, batch_size=2)}
    assert sorted(found) == sorted(map(str, paths))
    for path, row in zip(paths, expected(model, paths), strict=True):
        each = found[str(path)]
        order = np.argsort(-row)
        assert each.classes == tuple(NAMES[i] for i in order)
        np.testing.assert_allclose(each.probabilities, row[order], atol=1e-6)


@torch_only
def test_one_image_in_every_form(model, photos):
    """A path, a PIL image that is not yet upright, and pixels give the same answer."""
    path = photos / "e.jpg"
    pixels = model.read_images(str(path))
    with Image.open(path) as image:
        found = predict(model, [path, str(path), image, pixels, pixels.astype("float32")])
    found += predict(model, np.stack([pixels, pixels])) + predict(model, pixels)
    assert [each.source for each in found] == [str(path)] * 2 + [None] * 6
    for each in found:
        assert each.classes == found[0].classes
        np.testing.assert_allclose(each.probabilities, found[0].probabilities, atol=1e-6)


@torch_only
def test_top_and_text_of_a_prediction(model, photos):
    (each,) = predict(model, photos / "a.png", top=2)
    assert len(each.classes) == len(each.probabilities) == 2
    assert predict(model, photos / "a.png", top=None)[0].classes[:2] == each.classes
    assert str(Prediction("a.png", ("ant", "bee"), (0.75, 0.25))) == "a.png: ant 75.0%, bee 25.0%"
    assert str(Prediction(None, ("ant",), (0.754,))) == "ant 75.4%"


@torch_only
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras, which pytest.warns repeats
def test_unreadable_images(model, photos):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8 no image")
    with pytest.raises(ValueError, match=r"An image must be .*broken\.jpg"):
        predict(model, photos)
    with pytest.warns(UserWarning, match=r"1 images are skipped: .*broken\.jpg"):
        assert len(predict(model, photos, skip_unreadable=True)) == 5


@torch_only
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras, which pytest.warns repeats
def test_files_of_other_types_are_counted(model, photos):
    (photos / "notes.txt").write_text("text")
    with pytest.warns(UserWarning, match=r"1 file is not read in .*photos: 1 \.txt"):
        assert len(predict(model, photos)) == 5


@torch_only
@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ("https://host/a.png", r"download them first.*samples='https://host/a\.png'"),
        ("nowhere.png", r"existing files or folders.*samples='nowhere\.png'"),
        (np.zeros((8, 8, 3), "uint8"), r"\(16, 16, 3\)\. Received: uint8, shape \(8, 8, 3\)"),
        (np.zeros((2, 8, 8, 3)), r"shape \(8, 8, 3\)"),
        ([None], "Received: object, shape"),
    ],
)
def test_samples_that_are_refused(model, samples, message):
    with pytest.raises(ValueError, match=message):
        predict(model, samples)


@torch_only
def test_a_model_without_a_view_takes_images_of_its_size(photos):
    model = classifier(view=None)
    assert len(predict(model, photos / "b.jpg")) == 1
    with pytest.raises(ValueError, match=r"16x16 pixels.*--resize.*a\.png' with 40x30 pixels"):
        predict(model, photos / "a.png")
    by_default = predict(classifier(view=data.View()), photos / "a.png")
    assert predict(model, photos / "a.png", resize=True) == by_default


@torch_only
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras, which pytest.warns repeats
def test_pixels_of_a_wrong_range_are_noticed_once(model):
    with pytest.warns(UserWarning, match="takes pixels from 0 to 255") as caught:
        predict(model, np.full((5, *SHAPE), 0.5))
    assert [each.filename for each in caught if each.category is UserWarning] == [__file__]


@torch_only
def test_models_without_preprocessing_and_of_other_channels(photos):
    plain, whole = classifier(include_preprocessing=False), classifier()
    whole.set_weights(plain.get_weights())
    for by_plain, by_whole in zip(predict(plain, photos), predict(whole, photos), strict=True):
        np.testing.assert_allclose(by_plain.probabilities, by_whole.probabilities, atol=1e-5)
    four = classifier(input_shape=(16, 16, 4), view=None)
    assert len(predict(four, np.zeros((2, 16, 16, 4), "uint8"))) == 2
    with pytest.raises(ValueError, match="for a model of 4 channels"):
        predict(four, photos / "b.jpg")


@torch_only
@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"class_names": None}, {"class 0", "class 1", "class 2"}),
        ({"classifier_activation": None}, set(NAMES)),
        ({"classifier_activation": "sigmoid"}, set(NAMES)),
        ({"classes": 1, "class_names": NAMES[:2], "classifier_activation": None}, set(NAMES[:2])),
        (
            {"classes": 1, "class_names": NAMES[:1], "classifier_activation": "sigmoid"},
            {"ant", "not ant"},
        ),
    ],
)
def test_names_and_probabilities_of_every_kind_of_output(photos, changes, names):
    model = classifier(**changes)
    (each,) = predict(model, photos / "a.png")
    assert set(each.classes) == names
    outputs = expected(model, [photos / "a.png"])[0]
    if model.config.classifier_activation is None:
        odds = np.exp(np.append(outputs, 0) if len(outputs) == 1 else outputs)
        outputs = odds / odds.sum()
    if len(outputs) == 1:
        outputs = np.array([outputs[0], 1 - outputs[0]])
    np.testing.assert_allclose(sorted(each.probabilities), np.sort(outputs), atol=1e-6)


@torch_only
def test_other_sources_of_a_model(model, photos, tmp_path):
    weights.save_weights(model, tmp_path / "model.safetensors")
    model.save(tmp_path / "model.keras")
    weights.save_to_folder(model, tmp_path / "hub")
    committee = models.soft_committee([model, classifier(heads=4)])
    for source in (tmp_path / "model.safetensors", tmp_path / "model.keras", tmp_path / "hub"):
        assert predict(source, photos / "a.png") == predict(model, photos / "a.png")
    assert set(predict(committee, photos / "a.png")[0].classes) == set(NAMES)


@torch_only
def test_models_that_are_refused(photos):
    with pytest.raises(ValueError, match="include_top=False"):
        predict(classifier(include_top=False), photos)
    with pytest.raises(ValueError, match="`model` must be"):
        predict(keras.Sequential([keras.Input((4,))]), photos)
    with pytest.raises(ValueError, match="top=0"):
        predict(classifier(), photos, top=0)


def test_shipped_weights_name_their_classes(photos):
    each = cctzoo.predict("cct_2_3x2_32.cifar10", photos / "a.png", top=None)[0]
    assert {"airplane", "truck"} < set(each.classes)
    assert len(each.classes) == 10
    assert set(cctzoo.predict("cct_2_3x2_32.digits", photos / "a.png")[0].classes) <= set(
        "0123456789"
    )


def test_texts():
    words = ("good", "bad", "film")
    model = text_model(words)
    found = predict(model, ["a good film", "bad"])
    assert [each.source for each in found] == ["a good film", "bad"]
    assert {name for each in found for name in each.classes} == {"no", "yes"}
    ids = model.vocabulary(["a good film", "bad"])
    assert [each.probabilities for each in predict(model, ids)] == [
        each.probabilities for each in found
    ]
    assert predict(model, "bad")[0].classes == found[1].classes
    with pytest.raises(ValueError, match="takes texts, or integer ids"):
        predict(model, np.zeros((2, 3)))


@once
@pytest.mark.parametrize("kind", ["litert", "saved_model", "onnx", "openvino"])
def test_exported_files(model, photos, tmp_path, kind):
    path = tmp_path / {"litert": "a.tflite", "onnx": "a.onnx", "openvino": "a.xml"}.get(kind, "a")
    getattr(export, f"to_{kind}")(model, path)
    for name in ("a.png", "e.jpg"):
        (by_file,), (by_keras,) = predict(path, photos / name), predict(model, photos / name)
        assert by_file.classes == by_keras.classes
        np.testing.assert_allclose(by_file.probabilities, by_keras.probabilities, atol=1e-5)


@once
def test_exported_texts_and_batches(model, photos, tmp_path):
    export.to_litert(model, tmp_path / "batch.tflite", batch=4)
    assert len(predict(tmp_path / "batch.tflite", photos)) == 5
    text = text_model(("good", "bad"))
    export.to_litert(text, tmp_path / "text.tflite")
    (by_file,), (by_keras,) = predict(tmp_path / "text.tflite", "good"), predict(text, "good")
    assert by_file.classes == by_keras.classes
    np.testing.assert_allclose(by_file.probabilities, by_keras.probabilities, atol=1e-5)


@once
def test_an_exported_file_without_its_description(model, tmp_path, photos):
    export.to_openvino(model, tmp_path / "a.xml")
    about = json.loads((tmp_path / "a.xml.json").read_text())
    for change in ({"config": {"family": "cct", "depth": -1}}, {"class_names": ["a"]}):
        (tmp_path / "a.xml.json").write_text(json.dumps(about | change))
        with pytest.raises(ValueError, match=r"`model` must be a file that cctzoo exported"):
            predict(tmp_path / "a.xml", photos)
    (tmp_path / "a.xml.json").unlink()
    with pytest.raises(ValueError, match=r"a\.xml"):
        predict(tmp_path / "a.xml", photos)
