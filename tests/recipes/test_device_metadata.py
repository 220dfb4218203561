"""The scripts for devices and tampered files: one line each, no hang, and no control characters."""

import io
import json
import shutil
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from cctzoo import data, export, models
from cctzoo.models import vocabulary
from tests.data.pictures import picture
from tests.fuzz.scripts import load_script
from tests.recipes.test_device_recipes import changed

pytestmark = pytest.mark.one_backend("tensorflow")  # TensorFlow converts on every backend
SMALL = {"depth": 1, "embed_dim": 4, "heads": 1, "conv_layers": 1, "classes": 3}
SCRIPTS = {"image": "classify_tflite", "text": "classify_text_tflite"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """{kind: a .tflite file}."""
    folder = tmp_path_factory.mktemp("device")
    image = models.create_model("cct_2_3x2_32", input_shape=(8, 8, 3), view=data.View(), **SMALL)
    text = models.text_cct(
        vocabulary=("a", "cat"), word_dim=3, length=5, depth=1, embed_dim=4, heads=1, classes=3
    )
    paths = {"image": folder / "image.tflite", "text": folder / "text.tflite"}
    export.to_litert(image, paths["image"], class_names=["one", "two", "three"])
    export.to_litert(text, paths["text"], class_names=["one", "two", "three"])
    return paths


def put(*keys, value):
    """A change of the metadata: another value at `keys`, or none for `...`."""

    def change(about):
        for each in keys[:-1]:
            about = about[each]
        if value is ...:
            del about[keys[-1]]
        else:
            about[keys[-1]] = value

    return change


ANY = (..., 3, [], {"a": 1}, [[]], "x")
BOTH = [
    *(b"", b"{", b"[1]", b"\xff\xfe", b"null", b"[" * 10**5, b'{"input": ' * 10**4),
    *(put(name, value=each) for name in ("input", "output", "decision") for each in ANY),
    *(put("class_names", value=each) for each in (*ANY[:3], *ANY[4:], ["one"], [1, 2, 3])),
    *(put("negative_class_name", value=each) for each in ANY),
    *(put("input", "shape", value=each) for each in (*ANY, [8, 8, 4], [10**12] * 3)),
    put("output", value="features"),
]
OWN = {
    "image": [
        *(put("input", "view", value=each) for each in ANY),
        *(put("input", "normalised_in_the_model", value=each) for each in (*ANY, None)),
        *(put("input", name, value=each) for name in ("mean", "std") for each in ANY if each != 3),
        *(put("input", "mean", value=each) for each in ([1, 2], ["a"] * 3, 10**400)),
        *(put("input", "view", "orient", value=each) for each in ANY),
        *(put("input", "view", "crop_pct", value=each) for each in (*ANY, 0, -1, 1e-320)),
        *(put("input", "view", "interpolation", value=each) for each in (*ANY, "none")),
        lambda about: about["input"].update(normalised_in_the_model=False, mean=0.5, std=0.0),
        lambda about: about["input"].update(normalised_in_the_model=False, mean=None, std=0.5),
    ],
    "text": [
        *(put("input", "vocabulary", value=each) for each in (*ANY, [1, 2], [["a"], "cat"])),
        *(put("input", "word", value=each) for each in (*ANY, "(", "(a|aa)+$", r"\w+")),
        *(put("input", "padding", value=each) for each in (*ANY, None, 2, -1)),
    ],
}


@pytest.mark.parametrize("kind", SCRIPTS)
def test_damaged_files_give_one_line(run, files, tmp_path, kind):
    """More than 70 files for each script; none is classified, and none takes a second."""
    given, name = files[kind], f"{SCRIPTS[kind]}.py"
    picture(1).save(tmp_path / "a.png")
    run(f"device/{name}", given, tmp_path / "a.png")
    whole = given.read_bytes()
    damaged = [whole[:-50], b"", bytes(range(256)) * 9]
    for number, change in enumerate([*damaged, *BOTH, *OWN[kind]]):
        path = tmp_path / f"{number}.tflite"
        if number < len(damaged):
            path.write_bytes(change)
        else:
            shutil.move(changed(given, tmp_path, change), path)
        start = time.process_time()
        done = run(f"device/{name}", path, tmp_path / "a.png", status=1)
        assert time.process_time() - start < 2, path
        assert not done.stdout, path
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"{name}: {path}"), line
        assert len(line) < 500


@pytest.mark.parametrize("kind", SCRIPTS)
def test_metadata_that_unpack_to_gigabytes(files, tmp_path, kind):
    graph = load_script(SCRIPTS[kind]).Graph
    about = json.loads(zipfile.ZipFile(files[kind]).read("metadata.json"))
    sizes = {zipfile.ZIP_DEFLATED: "bytes, at most", zipfile.ZIP_BZIP2: "in another way"}
    for method, message in sizes.items():
        path = tmp_path / "bomb.tflite"
        path.write_bytes(files[kind].read_bytes())
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("metadata.json", json.dumps(about) + " " * 2**24)
        with pytest.raises(ValueError, match=message):
            graph(path, 1)


def test_texts_and_words_beyond_the_table(run, files, tmp_path):
    """A text for which the graph fails does not end the script; ids are those of the package."""
    assert load_script("classify_text_tflite").WORD.pattern == vocabulary.WORD.pattern

    def many(about):
        about["input"]["vocabulary"] = [f"w{i}" for i in range(9)]

    path = changed(files["text"], tmp_path, many)
    done = run("device/classify_text_tflite.py", path, "w1", "w8", "a" * 40 + "!", status=1)
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["w1", "a" * 40 + "!"]
    assert done.stderr.startswith("w8: the graph fails (")


def test_pictures_that_are_bombs(run, files, tmp_path):
    """A picture that is one pixel wide would be resized to gigabytes."""
    for name, size in {"thin.png": (1, 1_200_000), "flat.png": (1_200_000, 1)}.items():
        Image.new("L", size).save(tmp_path / name)
    stream = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(stream, "PNG")
    (tmp_path / "large.png").write_bytes(stream.getvalue())
    picture(1).save(tmp_path / "sound\x1b[31m\u202e.png")
    done = run("device/classify_tflite.py", files["image"], tmp_path, status=1)
    (line,) = done.stdout.splitlines()
    assert "sound\\x1b[31m\\u202e.png: " in line
    errors = [each.removeprefix(f"{tmp_path}/") for each in done.stderr.splitlines()]
    assert [each.split(":")[0] for each in errors] == ["flat.png", "large.png", "thin.png"]
    assert "would be resized to" in errors[0]
    for name in ("thin.png", "flat.png"):
        with pytest.raises(ValueError, match="resized"):
            data.read_images(tmp_path / name, (32, 32, 3))


def test_no_such_file_is_printed_without_control_characters(run):
    for kind in SCRIPTS.values():
        done = run(f"device/{kind}.py", "none\x1b]0;title\x07.tflite", "a", status=2)
        assert "none\\x1b]0;title\\x07.tflite" in done.stderr


def test_large_outputs_and_odd_graphs(files):
    graph = load_script("classify_tflite").Graph(files["image"], 1)
    graph.kind, graph.decision = "logits", "threshold"
    graph.interpreter.get_tensor = lambda index: np.array([[-1e4, 0, 1e4]], "float32")
    np.testing.assert_allclose(graph(np.zeros((8, 8, 3), "float32")), [0, 0.5, 1], atol=1e-9)
    graph.interpreter.get_tensor = lambda index: np.zeros((1, 2), "float32")
    with pytest.raises(ValueError, match="returns"):
        graph(np.zeros((8, 8, 3), "float32"))
