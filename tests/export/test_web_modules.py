"""The page's JavaScript under Node.js, compared with Pillow and with the Python package."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from cctzoo import data
from cctzoo.analysis.word_windows import word_windows
from cctzoo.data.image_files import orientation
from cctzoo.export.web import PAGE, page_description
from cctzoo.models import TextConfig, Vocabulary
from cctzoo.models.vocabulary import WORD, split
from tests.export.web_pictures import oriented, scene, write_pictures
from tests.node import node

pytestmark = pytest.mark.one_backend("torch")
WORDS = ("film", "σοφός", "猫", "good")
TEXTS = (
    "",
    "A good\u200bFILM!! x",
    "ΣΟΦΌΣ 猫猫film ❤\ufe0f🙂good",
    "half \ud800 a pair good good good good good good",
)
PROGRAM = """
import { readFileSync, writeFileSync } from "node:fs";
import { ranked, headline } from "./answer.js";
import { takeOrientation, upright } from "./orientation.js";
import { readPng } from "./png.js";
import { crop, normalise } from "./view.js";
import { makeIds, split, windows } from "./words.js";

const cases = JSON.parse(readFileSync("cases.json"));
const picture = async ({ path, input, view }) => {
  try {
    const found = await readPng(new Uint8Array(readFileSync(path)), 2 ** 26);
    const turned = view?.orient === false ? found : upright(found, found.orientation);
    const pixels = crop(turned, input, view);
    return { pixels: [...pixels], values: [...normalise(pixels, input)] };
  } catch (error) {
    return { error: error.message };
  }
};
const answers = {
  pictures: await Promise.all(cases.pictures.map(picture)),
  orientations: cases.oriented.map((path) => {
    const bytes = new Uint8Array(readFileSync(path));
    const found = takeOrientation(bytes);
    writeFileSync(path, bytes);
    return found;
  }),
  texts: cases.texts.map((text) => ({
    words: split(text).map((each) => each.word),
    ids: [...makeIds(cases.vocabulary)(split(text))],
  })),
  windows: cases.windows.map(({ count, words }) => windows(count, words)),
  outputs: cases.outputs.map(({ output, about }) => {
    const found = ranked(output, about);
    return [headline(found), found.map((each) => [each.name, each.probability])];
  }),
};
writeFileSync("answers.json", JSON.stringify(answers));
"""
INPUT = {"shape": [16, 20, 3], "normalised_in_the_model": True}
VIEW = {"orient": True, "crop_pct": 0.875, "interpolation": "bicubic"}
OUTPUTS = [
    ("top1", "logits", ["a", "b", "c"], None, [0.0, 2.0, 1.0]),
    ("top1", "probabilities", None, None, [0.2, 0.7, 0.1]),
    ("threshold", "logits", ["a", "b", "c"], None, [1.0, -1.0, 800.0]),
    ("threshold", "probabilities", ["a", "b"], None, [0.4, 0.1]),
    ("threshold", "probabilities", ["bad"], "good", [0.3]),
]


def picture_cases(folder):
    """(path, input, view) of every lossless PNG, and of other shapes and views."""
    paths = [path for path in write_pictures(folder) if path.suffix == ".png"]
    paths.append(folder / "none_turned.png")
    scene(30, 61, 47).save(paths[-1], exif=oriented(6))
    cases = [(path, INPUT, VIEW) for path in paths]
    grey = {**INPUT, "shape": [9, 9, 1]}
    cases += [(path, grey, VIEW | {"interpolation": "bilinear"}) for path in paths[::2]]
    cases += [(paths[-1], INPUT, VIEW | {"orient": False, "crop_pct": 1.0})]
    normalised = {"normalised_in_the_model": False, "mean": [0.1, 0.2, 0.3], "std": 0.5}
    cases += [(paths[1], INPUT | normalised, VIEW)]
    return cases


def text_configs():
    changes = [
        {},
        {"conv_prefix": 2, "prefix_pool": (0,)},
        {"conv_prefix": 2, "prefix_kind": "depthwise", "prefix_pool": (0, 1)},
    ]
    shape = {"depth": 3, "heads": 3, "length": 22, "vocabulary_size": 9, "embed_dim": 24}
    return [
        TextConfig(family=family, kernel_size=size, **shape, **more)
        for family, size in (("text_cct", 4), ("text_vit", 3))
        for more in changes
    ]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """(cases, answers) of one run of the modules."""
    folder = tmp_path_factory.mktemp("modules")
    shutil.copytree(PAGE / "js", folder, dirs_exist_ok=True)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "check.js").write_text(PROGRAM)
    broken = folder / "broken.png"
    pictures = picture_cases(folder)
    broken.write_bytes((folder / "exact.png").read_bytes()[:900])
    deep = folder / "deep.png"
    scene(40, 9, 9).convert("I").convert("I;16").save(deep)
    pictures += [(broken, INPUT, VIEW), (deep, INPUT, VIEW), (folder / "tiny.png", INPUT, None)]
    oriented_files = []
    for name, value in (("a.jpg", 6), ("b.jpg", 1), ("c.webp", 3), ("d.webp", None), ("e.gif", 1)):
        oriented_files.append(folder / name)
        options = {} if value is None else {"exif": oriented(value)}
        scene(50, 20, 30).save(oriented_files[-1], **options)
    windows = [
        {"count": count, "words": page_description(config, "litert", {})["words"]}
        for config in text_configs()
        for count in (0, 1, 2, 7, 22)
    ]
    names = ("decision", "output", "class_names", "negative_class_name")
    cases = {
        "pictures": [
            {"path": str(path), "input": taken, "view": view} for path, taken, view in pictures
        ],
        "oriented": list(map(str, oriented_files)),
        "texts": TEXTS,
        "vocabulary": {"vocabulary": WORDS, "shape": [8], "padding": 1},
        "windows": windows,
        "outputs": [
            {"output": values, "about": dict(zip(names, about, strict=True))}
            for *about, values in OUTPUTS
        ],
    }
    (folder / "cases.json").write_text(json.dumps(cases))
    done = subprocess.run([*node(), "check.js"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return pictures, cases, json.loads((folder / "answers.json").read_text())


def test_pictures_become_the_pixels_that_the_model_was_trained_on(results):
    pictures, _, answers = results
    assert len(pictures) > 25
    for (path, taken, view), found in zip(pictures[:-3], answers["pictures"], strict=False):
        expected = data.read_images(path, taken["shape"], data.View(**view))
        np.testing.assert_array_equal(found["pixels"], expected.ravel(), err_msg=f"{path} {view}")
        if not taken["normalised_in_the_model"]:
            expected = (expected / 255 - taken["mean"]) / taken["std"]
        np.testing.assert_allclose(found["values"], expected.ravel(), rtol=1e-6)


def test_pictures_that_cannot_be_read_are_refused(results):
    *_, broken, deep, other_size = results[2]["pictures"]
    assert broken == {"error": "The PNG file is damaged."}
    assert "more than 8 bits" in deep["error"]
    assert "takes pictures of 20 x 16 pixels" in other_size["error"]
    assert "This picture has 7 x 5; tick" in other_size["error"]


def test_orientation_is_taken_out_of_files_that_the_browser_decodes(results):
    _, cases, answers = results
    assert answers["orientations"] == [6, 1, 3, 1, 1]
    for path in cases["oriented"]:
        with Image.open(path) as image:
            assert orientation(image) == 1
            image.load()


def test_texts_become_the_words_and_ids_of_the_vocabulary(results):
    for text, found in zip(TEXTS, results[2]["texts"], strict=True):
        assert found["words"] == split(text)
        assert found["ids"] == Vocabulary(WORDS, 8)([text])[0].tolist()


def test_words_are_split_by_the_pattern_of_the_package():
    source = (PAGE / "js" / "words.js").read_text()
    first, second = (
        json.loads(source.split(f"const {name} =")[1].split(";\n")[0].strip())
        for name in ("SEPARATORS", "SINGLES")
    )
    assert f"[{second}]|[^{first}{second}]+" == WORD.pattern


def test_tokens_cover_the_words_of_word_windows(results):
    _, cases, answers = results
    configs = [config for config in text_configs() for _ in range(5)]
    for config, case, found in zip(configs, cases["windows"], answers["windows"], strict=True):
        expected = word_windows(config, case["count"])
        assert [range(*each) for each in found] == expected, (config, case)


def test_outputs_become_probabilities(results):
    found = results[2]["outputs"]
    powers = np.exp([2.0, 1.0, 0.0])
    assert found[0][0] == "b 66.5\u00a0%"
    assert [name for name, _ in found[0][1]] == ["b", "c", "a"]
    np.testing.assert_allclose([p for _, p in found[0][1]], powers / powers.sum())
    assert found[1] == [
        "class 1 70.0\u00a0%",
        [["class 1", 0.7], ["class 0", 0.2], ["class 2", 0.1]],
    ]
    assert found[2][0] == "c, a"
    np.testing.assert_allclose([p for _, p in found[2][1]], [1, 0.731059, 0.268941], atol=1e-6)
    assert found[3] == ["No label", [["a", 0.4], ["b", 0.1]]]
    assert found[4] == ["good 70.0\u00a0%", [["good", 0.7], ["bad", 0.3]]]
