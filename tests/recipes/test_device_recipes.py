"""The scripts for devices: they read and classify what the Keras model does, without Keras."""

import dataclasses
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cctzoo import data, export, models
from cctzoo.data import image_files
from cctzoo.data.sources import folder_layout
from tests.data.pictures import picture
from tests.fuzz.scripts import DEVICE, load_script
from tests.recipes.mixed_folder import mixed_folder

pytestmark = pytest.mark.one_backend("tensorflow")  # TensorFlow converts on every backend
NAMES = ["one", "two\x1b[31m", "three", "four"]
WITHOUT = "['keras', 'tensorflow', 'cctzoo']"


@pytest.fixture(scope="module")
def classify():
    return load_script("classify_tflite")


@pytest.fixture(scope="module")
def model():
    return models.create_model(
        "cct_2_3x2_32",
        input_shape=(16, 20, 3),
        classes=4,
        classifier_activation=None,
        view=data.View(),
    )


@pytest.fixture(scope="module")
def tflite(model, tmp_path_factory):
    """The model as a .tflite file that takes two images at once."""
    path = tmp_path_factory.mktemp("device") / "model.tflite"
    export.to_litert(model, path, batch=2, class_names=NAMES)
    return path


@pytest.fixture(scope="module")
def text_model():
    words = ("a", "cat", "dog", "猫")
    return models.text_cct(vocabulary=words, word_dim=5, length=6, classes=3)


@pytest.fixture(scope="module")
def text_tflite(text_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("device") / "model.tflite"
    export.to_litert(text_model, path, batch=2, class_names=["one", "two", "three"])
    return path


def changed(path, folder, change):
    """Copies a .tflite file with other metadata: bytes, or a change of the dict in place."""
    with zipfile.ZipFile(path) as archive:
        about, graph = archive.read("metadata.json"), archive.infolist()[0].header_offset
    if callable(change):
        about = json.loads(about)
        change(about)
        about = json.dumps(about).encode()
    copy = folder / "changed.tflite"
    copy.write_bytes(path.read_bytes()[:graph])
    with zipfile.ZipFile(copy, "a") as archive:
        archive.writestr("metadata.json", change if isinstance(change, bytes) else about)
    return copy


def without_keras(name, *arguments, **options):
    """Runs a script in a process in which neither Keras nor cctzoo can be imported."""
    code = (
        "import runpy, sys\n"
        f"sys.modules.update(dict.fromkeys({WITHOUT}))\n"
        "sys.argv = sys.argv[1:]\n"
        f"sys.path.insert(0, {str(DEVICE)!r})\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    command = [sys.executable, "-c", code, str(DEVICE / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def test_pictures_of_every_kind_are_classified_as_by_keras(classify, model, tflite, tmp_path):
    count, refused = mixed_folder(tmp_path)
    done = without_keras("classify_tflite.py", tflite, tmp_path, "--top", 4)
    assert done.returncode == 1  # because of the files that cannot be read
    errors = [line for line in done.stderr.splitlines() if line.startswith(f"{tmp_path}/")]
    assert [line.split(": ")[0] for line in errors] == [str(tmp_path / name) for name in refused]
    assert f"{tmp_path}: not read: 1 .txt, 1 without a suffix" in done.stderr
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert len(lines) == count
    paths = list(lines)
    pixels = model.read_images(paths)
    logits = model.predict(pixels, verbose=0)
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    names = ["one", "two\\x1b[31m", "three", "four"]
    on_device = classify.ImageModel(tflite, 1, False)
    for path, own, row in zip(paths, pixels, probabilities, strict=True):
        np.testing.assert_array_equal(on_device.read(Path(path)), own, err_msg=path)
        answer = ", ".join(f"{names[i]} {row[i]:.1%}" for i in np.argsort(-row))
        assert lines[path].startswith(answer), path
        assert np.abs(on_device.graph(on_device.read(Path(path))) - row).max() < 1e-5
    for name in set(refused) - {"pipe.png"}:
        with pytest.raises((ValueError, OSError), match=name):
            model.read_images(tmp_path / name)


def test_the_script_has_the_constants_of_the_package(classify):
    for name in ("FORMATS", "SUFFIXES", "MODES", "ORIENTATION", "TRANSPOSES"):
        assert getattr(classify, name) == getattr(image_files, name)
    for name in ("SYSTEM_FILES", "SYSTEM_FOLDERS"):
        assert getattr(classify, name) == getattr(folder_layout, name)
    assert dataclasses.asdict(data.View()) == classify.DEFAULT_VIEW


def test_a_model_without_view_takes_images_of_its_size(run, model, tflite, classify, tmp_path):
    def without_view(about):
        about["input"]["view"] = None

    path = changed(tflite, tmp_path, without_view)
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture(1, 16, 20).save(folder / "exact.png")
    picture(2, 16, 21).save(folder / "wide.png")
    done = run("device/classify_tflite.py", path, folder, status=1)
    assert "exact.png" in done.stdout
    assert "wide.png: the image has 21x16 pixels, the model takes 20x16 and was" in done.stderr
    assert "--resize" in done.stderr
    reader = classify.ImageModel(path, 1, False)
    np.testing.assert_array_equal(reader.read(folder / "exact.png"), picture(1, 16, 20))
    done = run("device/classify_tflite.py", path, folder, "--resize")
    assert len(done.stdout.splitlines()) == 2
    reader = classify.ImageModel(path, 1, True)
    own = model.read_images(folder / "wide.png")
    np.testing.assert_array_equal(reader.read(folder / "wide.png"), own)


def test_normalised_pixels_and_other_views(tflite, classify, tmp_path):
    """A view of its own geometry; the script normalises where the model does not."""
    view = data.View(orient=False, crop_pct=0.7, interpolation="bilinear")

    def change(about):
        about["input"]["view"] |= dataclasses.asdict(view)
        about["input"] |= {"normalised_in_the_model": False, "mean": [0.1, 0.2, 0.3], "std": 0.5}

    exif = Image.Exif()
    exif[0x0112] = 6
    picture(1, 40, 60).save(tmp_path / "a.jpg", exif=exif)
    pixels = data.read_images(tmp_path / "a.jpg", (16, 20, 3), view)
    got = classify.ImageModel(changed(tflite, tmp_path, change), 1, False).read(tmp_path / "a.jpg")
    np.testing.assert_allclose(got, (pixels / 255 - [0.1, 0.2, 0.3]) / 0.5, rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "outputs", "top", "answer"),
    [
        ({}, [0, 1, 0, 0], None, "two 47.5%"),
        ({"output": "probabilities"}, [0.1, 0.6, 0.2, 0.1], 2, "two 60.0%, three 20.0%"),
        ({"decision": "threshold"}, [0, 1, 3, -1], None, "three 95.3%, two 73.1%"),
        ({"decision": "threshold"}, [-1, -1, -9, -1], None, "no label"),
        ({"decision": "threshold"}, [-1, -9, -9, -9], 1, "one 26.9%"),
    ],
)
def test_answers(tflite, classify, tmp_path, monkeypatch, changes, outputs, top, answer):
    def change(about):
        about |= {"class_names": ["one", "two", "three", "four"], **changes}

    graph = classify.Graph(changed(tflite, tmp_path, change), 1)
    monkeypatch.setattr(
        graph.interpreter, "get_tensor", lambda index: np.array([outputs] * 2, "float32")
    )
    assert graph.answer(graph(np.zeros((16, 20, 3), "float32")), top) == answer


def test_answers_of_one_label(tflite, classify):
    graph = classify.Graph(tflite, 1)
    graph.decision, graph.names = "threshold", ["defect"]
    assert graph.answer(np.array([0.2]), None) == "defect 20.0%"
    graph.negative = "good"
    assert graph.answer(np.array([0.2]), None) == "good 80.0%"
    assert graph.answer(np.array([0.7]), 2) == "defect 70.0%, good 30.0%"


def test_a_script_refuses_the_other_kind_of_model(run, tflite, text_tflite, tmp_path):
    picture(1).save(tmp_path / "a.png")
    done = run("device/classify_tflite.py", text_tflite, tmp_path / "a.png", status=1)
    assert "takes texts: use classify_text_tflite.py" in done.stderr
    done = run("device/classify_text_tflite.py", tflite, "text", status=1)
    assert "takes images" in done.stderr


def test_texts_are_classified_as_by_keras(text_model, text_tflite):
    texts = ["A Cat", "dog! 猫猫 a\u200bcat dog dog", ""]
    command = "classify_text_tflite.py", text_tflite, "--top", 3
    given = without_keras(*command, *texts)
    lines = without_keras(*command, input="".join(f"{text}\n" for text in texts))
    expected = text_model.predict(text_model.vocabulary(texts), verbose=0)
    for done in (given, lines):
        assert done.returncode == 0, done.stderr
        for line, text, row in zip(done.stdout.splitlines(), texts, expected, strict=True):
            best = [("one", "two", "three")[i] for i in np.argsort(-row)]
            assert line.startswith(f"{text}: {best[0]} {row.max():.1%}, {best[1]} ")


def test_control_characters_are_printed_as_escapes(classify):
    assert classify.printable("a\x1b[31m\n\u2028\udc80 猫\u200d") == (
        "a\\x1b[31m\\n\\u2028\\udc80 猫\u200d"
    )
