"""TFDS text sets, tested with tiny sets prepared on disk."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds

from cctzoo import data
from cctzoo.data.sources.tfds_texts import text_features
from tests.data.builders import prepare
from tests.data.text_builders import prepare_texts

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


def load(data_dir, name="tiny_news", **options):
    return data.load(name, data_dir=data_dir, **{"validation": 0} | options)


def test_texts_with_their_labels(tmp_path):
    prepare_texts(tmp_path)
    loaded = load(tmp_path, validation=0.2)
    assert loaded.kind == "texts"
    assert loaded.classes == ["no", "yes"]
    sizes = len(loaded.x_train), len(loaded.x_validation), len(loaded.x_test)
    assert sizes == (16, 4, 6)
    for part in ("train", "validation", "test"):
        x, y = getattr(loaded, f"x_{part}"), getattr(loaded, f"y_{part}")
        assert (x.dtype, y.dtype) == (object, np.int64)
        assert [int(text.split()[-1]) % 2 for text in x] == list(y)
        split = "test" if part == "test" else "train"
        assert all(text.startswith(f"{split} text ") for text in x)
    assert len({*loaded.x_train, *loaded.x_validation}) == 20


def test_several_texts_are_joined(tmp_path):
    prepare_texts(tmp_path, texts=("zoo", "description", "title"))  # as AG News, and one more
    for text in load(tmp_path).x_test:
        number = text.split()[-1]
        assert text == f"test title {number} test description {number} test zoo {number}"


def test_which_label_is_used(tmp_path):
    other = tfds.features.ClassLabel(names=["a", "b", "c"])
    prepare_texts(tmp_path, "TinyTrec", label_key="label-coarse", more={"label-fine": (other, 2)})
    assert load(tmp_path, "tiny_trec").classes == ["no", "yes"]
    prepare_texts(tmp_path, more={"kind": (other, 2), "number": (np.int64, 3)})
    assert load(tmp_path).classes == ["no", "yes"]


@pytest.mark.parametrize(
    ("splits", "sizes"),
    [
        ({"train": 20, "test": 6, "unsupervised": -8}, (20, 6)),  # as imdb_reviews
        ({"train": 20, "validation": 4, "test": -6}, (20, 4)),  # as glue/sst2
        ({"train": 20, "validation": 4, "test": 6}, (24, 6)),
        ({"train": 20, "unsupervised": -8}, (16, 4)),
    ],
)
def test_splits_to_parts(tmp_path, splits, sizes):
    """A negative size stands for texts whose labels are all -1."""
    labels = {
        key: np.arange(size) % 2 if size > 0 else np.full(-size, -1) for key, size in splits.items()
    }
    prepare_texts(tmp_path, splits=labels)
    loaded = load(tmp_path)
    assert (len(loaded.x_train), len(loaded.x_test)) == sizes
    assert not any(text.startswith("unsupervised") for text in (*loaded.x_train, *loaded.x_test))
    assert min(loaded.y_train.min(), loaded.y_test.min()) >= 0


def test_texts_prepared_as_tfrecords(tmp_path):
    pytest.importorskip("tensorflow")  # TFDS writes them with it; reading does without
    for kind in ("array_record", "tfrecord"):
        prepare_texts(tmp_path / kind, file_format=kind)
    first, second = (load(tmp_path / kind) for kind in ("array_record", "tfrecord"))
    assert sorted(first.x_train) == sorted(second.x_train)


def test_image_options(tmp_path):
    prepare_texts(tmp_path)
    for option, value in {"image_size": 32, "color_mode": "rgb"}.items():
        with pytest.raises(ValueError, match=f"Received: {option}={value!r}, name='tiny_news'"):
            load(tmp_path, **{option: value})
    with pytest.raises(ValueError, match="Received: skip_unreadable=True, name='tiny_news'"):
        load(tmp_path, skip_unreadable=True)


def test_labels_out_of_range(tmp_path):
    prepare_texts(tmp_path, splits={"train": np.array([0, 1, -1])})
    with pytest.raises(ValueError, match=r"Received: tiny_news/1\.0\.0, train with labels from -1"):
        load(tmp_path)


def test_text_features(tmp_path):
    text, label = tfds.features.Text(), tfds.features.ClassLabel(num_classes=2)
    image = tfds.features.Image(shape=(5, 7, 3))
    for features, found in [
        ({"b": text, "title": text, "a": text, "z": label}, (["title", "a", "b"], "z")),
        ({"text": text, "a": label, "label": label}, (["text"], "label")),
        ({"text": text, "label": np.int64}, ((), None)),
        ({"caption": text, "label": label, "image": image}, ((), None)),
        ({"number": np.int64, "label": label}, ((), None)),
    ]:
        assert text_features(tfds.features.FeaturesDict(features)) == found
    assert text_features(text) == ((), None)
    prepare(tmp_path)
    assert isinstance(load(tmp_path, "tiny_flowers"), data.Dataset)


def test_texts_do_not_import_tensorflow(tmp_path):
    pytest.importorskip("jax")
    prepare_texts(tmp_path)
    code = f"""
import sys
from cctzoo import data
from cctzoo.models.vocabulary import Vocabulary
for name in ("docstrings", "tiny_news"):
    texts = data.load(name, data_dir={str(tmp_path)!r} if name == "tiny_news" else None)
    ids = Vocabulary.fit(texts.x_train)(texts.x_train)
    batch, targets = data.TextBatches(ids, texts.y_train, len(texts.classes), 4)[0]
    print(batch.shape, targets.shape, "tensorflow_datasets" in sys.modules)
assert "tensorflow" not in sys.modules
"""
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": path}
    child = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert child.returncode == 0, child.stderr[-2000:]
    assert child.stdout == "(4, 64) (4, 10) False\n(4, 64) (4, 2) True\n"
