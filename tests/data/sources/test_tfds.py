"""TFDS image sets, tested with tiny sets prepared on disk."""

import pickle

import numpy as np
import pytest
import tensorflow_datasets as tfds

from cctzoo import data, training
from cctzoo.data.sources.records import RecordSource, open_split
from tests.data.builders import prepare
from tests.data.pictures import encoded, picture

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


def load(data_dir, name="tiny_flowers", **options):
    return data.load(name, data_dir=data_dir, **{"validation": 0} | options)


def numbers(images):
    """The numbers of the pictures from which the images were made."""
    height = [images.open(i).height for i in range(len(images))]
    return [h - 20 for h in height]


def test_images_of_any_size(tmp_path):
    prepare(tmp_path)
    loaded = load(tmp_path, image_size=(18, 27), validation=0.2)
    assert loaded.classes == ["0", "1", "2"]
    assert loaded.x_test.shape == (9, 18, 27, 3)
    assert loaded.view == data.View(orient=False)  # as in published results
    assert [n % 3 for n in numbers(loaded.x_test)] == list(loaded.y_test)
    train, held = numbers(loaded.x_train), numbers(loaded.x_validation)
    assert sorted(train + held) == list(range(30))
    assert [n % 3 for n in train + held] == [*loaded.y_train, *loaded.y_validation]
    np.testing.assert_array_equal(np.bincount(loaded.y_validation), [2, 2, 2])


def test_default_image_size(tmp_path):
    prepare(tmp_path)
    assert load(tmp_path).x_train.shape == (30, 224, 224, 3)


def test_encoded_images_pickle_and_batch(tmp_path):
    prepare(tmp_path)
    whole = load(tmp_path, image_size=24).x_train
    images = whole[::-1][[5, 2, 7]]
    assert numbers(images) == [numbers(whole)[i] for i in (24, 27, 22)]
    again = pickle.loads(pickle.dumps(images))
    np.testing.assert_array_equal(again.batch([0, 1, 2]), images.batch(slice(None)))
    assert numbers(again) == numbers(images)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_one_size_are_an_array(tmp_path, channels):
    mode = {1: "L", 3: "RGB"}[channels]
    prepare(tmp_path, "TinyCifar", shape=(5, 7, channels), form="PNG", mode=mode)
    loaded = load(tmp_path, "tiny_cifar", train_samples=15)
    assert loaded.x_train.shape == (15, 5, 7, channels)
    assert loaded.x_train.dtype == np.uint8
    everything = {np.asarray(picture(i, 5, 7, mode)).tobytes(): i for i in range(9)}
    assert [everything[x.tobytes()] % 3 for x in loaded.x_test] == list(loaded.y_test)
    with pytest.raises(ValueError, match="image_size=32, images of 5x7"):
        load(tmp_path, "tiny_cifar", image_size=32)


def test_image_of_another_size_than_tfds_states(tmp_path, monkeypatch):
    prepare(tmp_path, "TinyCifar", shape=(5, 7, 3), form="PNG")
    monkeypatch.setattr(RecordSource, "example", lambda self, i: (encoded(picture(0, 6, 7)), 0))
    with pytest.raises(ValueError, match=r"\(5, 7\). Received: image 0 of tiny_cifar.* \(6, 7\)"):
        load(tmp_path, "tiny_cifar")


def test_color_mode_converts(tmp_path):
    prepare(tmp_path, "TinyCifar", shape=(5, 7, 3), form="PNG")
    grey = load(tmp_path, "tiny_cifar", color_mode="grayscale")
    assert grey.x_train.shape == (30, 5, 7, 1)
    prepare(tmp_path, "TinyClear", shape=(5, 7, 4), form="PNG", mode="RGBA")
    with pytest.raises(ValueError, match="channels=4"):
        load(tmp_path, "tiny_clear")
    assert load(tmp_path, "tiny_clear", color_mode="rgb").x_train.shape == (30, 5, 7, 3)


def test_sets_prepared_as_tfrecords(tmp_path):
    pytest.importorskip("tensorflow")  # TFDS writes them with it; reading does without
    splits = {"train": np.arange(30) % 3, "validation": np.arange(6) % 3, "test": np.arange(9) % 3}
    for kind in ("array_record", "tfrecord"):
        prepare(tmp_path / kind, splits=splits, file_format=kind)
    first, second = (load(tmp_path / kind, image_size=24) for kind in ("array_record", "tfrecord"))
    assert len(second.x_train) == 36
    np.testing.assert_array_equal(first.y_train, second.y_train)
    np.testing.assert_array_equal(first.x_train.batch([3, 35]), second.x_train.batch([3, 35]))
    np.testing.assert_array_equal(
        second.x_test[[4]].batch([0]), pickle.loads(pickle.dumps(second.x_test)).batch([4])
    )
    builder = tfds.builder("tiny_flowers", data_dir=tmp_path / "tfrecord")
    path = builder.info.splits["train"].filepaths[0]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=f"a whole record. Received: {path}"):
        open_split(builder, "train")


@pytest.mark.parametrize(
    ("splits", "sizes", "notice"),
    [
        ({"train": 30, "test": 9}, (30, 9), None),
        (
            {"train": 30, "validation": 6, "test": 9, "more": 3},
            (36, 9),
            "its split validation joins the training part; not used: more",
        ),
        ({"train": 30, "validation": 6}, (30, 6), "its split validation is the test part"),
        ({"train": 30}, (24, 6), None),
        (  # as imagenet2012
            {"train": 30, "validation": 6, "test": -9},
            (30, 6),
            "its split validation is the test part; not used: test",
        ),
        ({"train": 30, "test": -9}, (24, 6), "not used: test"),
    ],
)
def test_splits_to_parts(tmp_path, splits, sizes, notice, caplog):
    """A negative size stands for images whose labels are all -1."""
    labels = {
        key: np.arange(size) % 3 if size > 0 else np.full(-size, -1) for key, size in splits.items()
    }
    prepare(tmp_path, splits=labels)
    caplog.set_level("INFO", "cctzoo")
    loaded = load(tmp_path)
    assert (len(loaded.x_train), len(loaded.x_test)) == sizes
    assert min(loaded.y_train.min(), loaded.y_test.min()) >= 0
    notices = [record.message for record in caplog.records if record.name.startswith("cctzoo")]
    assert notices == ([f"data set tiny_flowers: {notice}"] if notice else [])


def test_set_without_train(tmp_path):
    prepare(tmp_path, splits={"test": np.arange(9) % 3})
    with pytest.raises(ValueError, match=r"name='tiny_flowers' with \['test'\]"):
        load(tmp_path)


def test_labels_out_of_range(tmp_path):
    prepare(tmp_path, splits={"train": np.array([0, 1, 2, -1])})
    with pytest.raises(ValueError, match=r"0 to 2\. Received: .*train with labels from -1 to 2"):
        load(tmp_path)


def test_sets_of_another_task(tmp_path):
    prepare(tmp_path, label_feature=tfds.features.Scalar(np.float32))
    with pytest.raises(ValueError, match=r"image classification.*name='tiny_flowers'"):
        load(tmp_path)


def test_unknown_version_and_configuration(tmp_path):
    for name in ("cifar10:9.9.9", "cifar10/nothing"):
        with pytest.raises(ValueError, match=f"Received: name='{name}'"):
            load(tmp_path, name)


def test_broken_record_is_named(tmp_path, monkeypatch):
    prepare(tmp_path)
    images = load(tmp_path, image_size=24).x_train
    monkeypatch.setattr(
        type(images.source), "__getitem__", lambda self, i: encoded(picture(0))[:-40]
    )
    with pytest.raises(ValueError, match=r"Received: image 3 of tiny_flowers/1\.0\.0, train"):
        images[[3]].open(0)


def test_labels_are_cached(tmp_path, monkeypatch):
    prepare(tmp_path)
    first = load(tmp_path)
    monkeypatch.setattr(RecordSource, "example", lambda self, i: ("", 0))
    again = load(tmp_path)
    np.testing.assert_array_equal(again.y_train, first.y_train)
    (kept,) = tmp_path.rglob("cctzoo-labels-train.npy")
    np.save(kept, np.zeros(29, "int64"))  # of other records
    with pytest.warns(UserWarning, match="2 of the 3 classes of 'tiny_flowers' .*: 1, 2"):
        assert len(load(tmp_path).y_train) == 30


def test_labels_in_a_read_only_folder(tmp_path, monkeypatch):
    prepare(tmp_path)

    def refuse(*args):
        raise PermissionError

    monkeypatch.setattr(np, "save", refuse)
    assert len(load(tmp_path).y_train) == 30
    assert not list(tmp_path.rglob("cctzoo-labels*"))


def test_a_folder_that_a_file_names_is_only_read(tmp_path, monkeypatch):
    """A recipe.json from elsewhere does not choose where TFDS downloads a set to."""
    place = tmp_path / "elsewhere"
    recipe = training.Recipe(dataset="cifar10", data_dir=place)
    (tmp_path / "run").mkdir()
    recipe.save(tmp_path / "run" / "recipe.json")
    run = training.Run(tmp_path / "run", recipe, {}, [], download=False)
    monkeypatch.setattr("cctzoo.data.sources.tfds.prepare", lambda *_: 1 / 0)
    for load in (lambda: training.resume(tmp_path / "run"), lambda: run.dataset):
        with pytest.raises(ValueError, match=r"not downloaded to a folder that a file names.*"):
            load()
    with pytest.raises(ZeroDivisionError):
        training.resume(tmp_path / "run", data_dir=place)
    assert not place.exists()
    name = prepare(tmp_path)
    data.names.check_prepared(name, tmp_path)


@pytest.mark.parametrize("content", [b"", b"text", None])
def test_broken_labels_next_to_records(tmp_path, content):
    prepare(tmp_path)
    load(tmp_path)
    (path,) = tmp_path.glob("**/cctzoo-labels-train.npy")
    if content is None:
        np.save(path, np.array([{}] * 30))
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"can be deleted\. Received: path='.*labels-train\.npy'"):
        load(tmp_path)
    np.save(path, np.zeros((30, 2)))  # of another shape: written again
    assert sorted(load(tmp_path).y_train) == [0] * 10 + [1] * 10 + [2] * 10
