"""Text models in every format: ids, words and padding."""

import json
import re
import zipfile

import keras
import numpy as np
import pytest

from cctzoo import export, latency, models
from cctzoo.data import Dataset
from cctzoo.export.inputs import noise
from cctzoo.runtimes import load_runner
from tests.export.sample import not_jax, once, spread
from tests.models.text_models import FAMILIES, PREFIXES, padded, text_model

SIGMAS = "\u03c3\u03b5\u03c2"  # the last one is a final sigma
WORDS = ("the", "cat", "dog", "naïve", "😀", "猫", "שלום", SIGMAS, *(f"w{i}" for i in range(40)))
TEXTS = [
    "The CAT, the dog: the 😀😀 cat!",
    "",
    "a\0cat 猫猫 שלום\u200f",
    " ".join(WORDS),  # 48 words, of which 22 are kept
    f"{SIGMAS.upper()} w1 w2-w39",
]


def made(family="text_cct", **changes):
    keras.utils.set_random_seed(0)
    return spread(text_model(family, **{"vocabulary": WORDS, **changes}), 30)


@pytest.fixture(scope="module")
def model():
    return made()


def some_ids(count=60):
    generator = np.random.default_rng(1)
    return padded([generator.integers(2, 50, size) for size in np.arange(count) % 23], 22)


CASES = [
    *((family, "none") for family in FAMILIES if family not in ("text_cct", "text_cvt")),
    ("text_cvt", "avg"),
    *(("text_cct", prefix) for prefix in PREFIXES),
    ("text_transformer", "polynomial"),
]
OTHERS = {"avg": {"pooling": "avg"}, "polynomial": {"attention": "polynomial", "heads": 12}}


@once
@pytest.mark.parametrize(("family", "prefix"), CASES)
def test_litert_is_one_partition(family, prefix, tmp_path):
    model = made(family, **(PREFIXES | OTHERS)[prefix])
    path = tmp_path / "model.tflite"
    report = export.to_litert(model, path, batch=2, samples=some_ids())
    assert report.partitions == 1
    assert (report.samples, report.top1_agreement) == (60, 1)
    assert report.max_difference <= 1e-4
    run = load_runner(path)
    assert (run.sample_shape, run.dtype) == ([22], np.int32)
    expected = model.predict(model.vocabulary(TEXTS[:4]), verbose=0)
    np.testing.assert_allclose(run(model.vocabulary(TEXTS[:4])), expected, atol=1e-4)


@pytest.fixture(scope="module")
def many_words():
    """A model whose table of word vectors is most of its weights."""
    return made(vocabulary=None, vocabulary_size=2000, word_dim=60)


@once
@pytest.mark.parametrize("precision", ["dynamic_int8", "int8", "float16"])
def test_other_precisions(many_words, precision, tmp_path):
    """The word vectors are int8 if the other weights are."""
    model, path = many_words, tmp_path / "model.tflite"
    ids = np.where(some_ids() == 1, 1, 40 * some_ids())
    report = export.to_litert(
        model, path, precision, samples=ids, calibration=ids[::-1], least_agreement=0.95
    )
    assert report.partitions == 1
    assert 0 < report.max_difference < 0.1 * np.abs(model.predict(ids, verbose=0)).max()
    table = 2000 * 60
    others = model.count_params() - table
    if precision == "float16":
        assert 4 * table < report.bytes < 4 * table + 2 * others + 60_000
    else:
        assert report.bytes < table + 2 * others + 40_000
        details = load_runner(path).interpreter.get_tensor_details()
        (stored,) = (each for each in details if tuple(each["shape"]) == (2000, 60))
        assert stored["dtype"] == np.int8


@once
def test_the_file_describes_the_model(model, tmp_path):
    """The metadata suffices to turn a text into ids."""
    export.to_litert(model, tmp_path / "model.tflite", class_names=list("abcde"))
    about = json.loads(zipfile.ZipFile(tmp_path / "model.tflite").read("metadata.json"))
    inputs = about["input"]
    assert inputs["shape"] == [22]
    assert "1 fills up" in inputs["values"]
    number = {word: i for i, word in enumerate(inputs["vocabulary"], start=2)}
    for text, expected in zip(TEXTS, model.vocabulary(TEXTS), strict=True):
        words = [word.lower() for word in re.findall(inputs["word"], text)]
        ids = [number.get(word, 0) for word in words][:22]
        assert ids + [inputs["padding"]] * (22 - len(ids)) == expected.tolist()
    config = models.TextConfig(**about["config"], vocabulary=inputs["vocabulary"])
    assert config == model.config


@not_jax
def test_saved_model_takes_texts(model, tmp_path):
    path = tmp_path / "saved"
    report = export.to_saved_model(model, path, TEXTS)
    assert (report.samples, report.top1_agreement) == (5, 1)
    assert report.max_difference <= 1e-5
    tf = pytest.importorskip("tensorflow")
    loaded = tf.saved_model.load(str(path))
    signatures = loaded.signatures
    assert set(signatures) == {"serve", "serving_default", "ids"}
    ids = model.vocabulary(TEXTS)
    strings = tf.constant([text.encode() for text in TEXTS])
    (found,) = signatures["ids"](text=strings).values()
    assert found.dtype == tf.int32
    np.testing.assert_array_equal(found, ids)
    expected = model.predict(ids, verbose=0)
    for signature, argument in (("serving_default", {"text": strings}), ("serve", {"ids": ids})):
        argument = {name: tf.constant(value) for name, value in argument.items()}
        (output,) = signatures[signature](**argument).values()
        np.testing.assert_allclose(output, expected, atol=1e-5)
    (found,) = signatures["ids"](text=tf.constant([b"cat\xff\xfedog", b"dog\0"])).values()
    np.testing.assert_array_equal(found, model.vocabulary(["cat dog", "dog"]))


@once
def test_a_graph_that_splits_texts_differently_is_an_error(model, tmp_path, monkeypatch):
    tf = pytest.importorskip("tensorflow")
    monkeypatch.setattr(tf.strings, "regex_replace", lambda text, pattern, replacement: text)
    with pytest.raises(export.ExportError, match=r"Received: different ids for .*so😀😀GOOD"):
        export.to_saved_model(model, tmp_path / "saved")
    assert not any(tmp_path.iterdir())


@once
def test_saved_model_without_a_vocabulary(tmp_path):
    model = made("text_vit", vocabulary=None)
    assert export.to_saved_model(model, tmp_path / "saved").max_difference <= 1e-5
    tf = pytest.importorskip("tensorflow")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    assert set(loaded.signatures) == {"serve", "serving_default"}
    (output,) = loaded.signatures["serving_default"](ids=tf.constant(some_ids(3))).values()
    np.testing.assert_allclose(output, model.predict(some_ids(3), verbose=0), atol=1e-5)


@once
@pytest.mark.parametrize(
    ("function", "name", "batch"),
    [
        (export.to_onnx, "model.onnx", None),
        (export.to_onnx, "model.onnx", 2),
        (export.to_openvino, "model.xml", None),
    ],
)
def test_onnx_and_openvino(model, tmp_path, function, name, batch):
    report = function(model, tmp_path / name, batch, some_ids())
    assert report.max_difference <= 1e-4
    assert report.top1_agreement == 1
    run = load_runner(tmp_path / name)
    assert run.dtype == np.int32
    expected = model.predict(some_ids(4), verbose=0)
    np.testing.assert_allclose(run(some_ids(4)), expected, atol=1e-4)
    about = json.loads((tmp_path / f"{name}.json").read_text())
    assert about["input"]["vocabulary"] == list(WORDS)


@once
def test_a_committee_of_text_models(tmp_path):
    committee = models.soft_committee([made(), made("text_transformer")])
    report = export.to_litert(committee, tmp_path / "a.tflite", "dynamic_int8", samples=TEXTS)
    assert report.partitions == 1
    about = json.loads((tmp_path / "a.tflite.json").read_text())
    assert about["input"]["padding"] == 1
    assert not any("vocabulary" in member for member in about["config"]["members"])


@once
def test_latency_of_text_models(model, tmp_path):
    export.to_litert(model, tmp_path / "a.tflite")
    export.to_onnx(model, tmp_path / "a.onnx")
    targets = {"live": model, "a": tmp_path / "a.tflite", "b": tmp_path / "a.onnx"}
    report = latency.measure(targets, runs=2, warmup=1)
    assert all(row.median_ms > 0 for row in report.rows)


@once
def test_calibration_by_a_text_data_set(model, tmp_path):
    texts, labels = np.array(TEXTS, object), np.arange(5)
    none = texts[:0], labels[:0]
    dataset = Dataset("made up", list("abcde"), texts, labels, *none, texts, labels, "texts")
    report = export.to_litert(
        model, tmp_path / "a.tflite", "int8", samples=dataset.x_test, calibration=dataset
    )
    assert report.partitions == 1


@once
@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({"samples": np.zeros((2, 22))}, "float64"),
        ({"samples": np.full((2, 22), 50)}, "from 50 to 50"),
        ({"samples": np.full((2, 22), -1)}, "from -1 to -1"),
        ({"samples": np.zeros((2, 21), int)}, r"samples\.shape=\(2, 21\)"),
        ({"precision": "int8", "calibration": np.zeros((2, 22))}, "`calibration`.*float64"),
        ({"precision": "int8", "calibration": np.zeros((2, 9), int)}, r"shape=\(2, 9\)"),
    ],
)
def test_invalid_samples(model, tmp_path, arguments, received):
    with pytest.raises(ValueError, match=received):
        export.to_litert(model, tmp_path / "a.tflite", **arguments)


@once
def test_texts_need_a_vocabulary(tmp_path):
    with pytest.raises(ValueError, match="built with a `vocabulary=`"):
        export.to_litert(made(vocabulary=None), tmp_path / "a.tflite", samples=TEXTS)


@once
def test_noise_has_texts_of_all_lengths():
    ids = noise(made(), 16)
    lengths = (ids != 1).sum(axis=1)
    assert ids.dtype == np.int32
    assert lengths[0] >= 20
    assert lengths[-1] == 0
    assert len(set(lengths)) > 8
    assert not (noise(made(padding_id=None, vocabulary=None), 4) == 1).all(axis=1).any()
