"""Training runs of text models: directory, vocabulary, resume, and errors."""

import csv
import json

import keras
import numpy as np
import pytest

from cctzoo import data, training
from cctzoo.training import Recipe, build
from tests.pages.reading import read_page
from tests.training.few import few_digits, history_of

ANIMALS = ["the cat purrs softly", "a dog barks at night", "birds sing in the morning"]
TOOLS = ["the hammer hits a nail", "turn the screw slowly", "a saw cuts through wood"]
TINY = {"depth": 1, "embed_dim": 16, "word_dim": 8, "length": 12}


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Sentences of two kinds with a number, as a CSV file."""
    path = tmp_path_factory.mktemp("texts") / "texts.csv"
    rng = np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for i in range(120):
            kind = [ANIMALS, TOOLS][i % 2]
            writer.writerow([f"{kind[rng.integers(3)]}, number {i}", ["animal", "tool"][i % 2]])
    return path


def recipe(texts, **changes):
    options = {
        "dataset": f"csv:{texts}",
        "model": "text_cct_2_k2",
        "changes": TINY,
        "epochs": 8,
        "warmup_epochs": 1,
        "batch_size": 16,
        "learning_rate": 1e-2,
        "augmentation": data.Augmentation(),
    }
    return Recipe(**options | changes)


@pytest.fixture(scope="module")
def run(texts, tmp_path_factory):
    return training.train(
        recipe(texts, class_weights="balanced"), tmp_path_factory.mktemp("run") / "run"
    )


def test_run_learns_and_saves_its_vocabulary(run, texts):
    assert run.figures["test_samples"] == 24
    assert run.figures["test_accuracy"] > 0.9
    assert run.dataset.x_test.dtype == object
    loaded = keras.saving.load_model(run.directory / "model.keras")
    ids = loaded.vocabulary(["A DOG barks at night!", "turn the SCREW slowly"])
    assert ids.shape == (2, 12)
    assert loaded.predict(ids, verbose=0).argmax(1).tolist() == [0, 1]
    found = training.evaluate(loaded, run.dataset.x_test, run.dataset.y_test)
    assert found["accuracy"] == run.figures["test_accuracy"]
    shown = read_page(run.directory / "report.html")["shown"]
    assert shown["texts"] == list(run.dataset.x_test[shown["sample"]])


def test_vocabulary_does_not_depend_on_the_seed(run, texts):
    other = recipe(texts, seed=5)
    found = build.build_model(other, other.load_data())
    assert found.config.vocabulary == run.model.config.vocabulary
    assert not np.array_equal(
        other.load_data().x_validation, recipe(texts).load_data().x_validation
    )


@pytest.mark.one_backend("torch")  # test_resume.py resumes on each backend
def test_resumed_epochs_equal_those_of_one_run(run, texts, tmp_path):
    directory = tmp_path / "half"

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(recipe(texts), directory, callbacks=[Stop()])
    assert len(history_of(directory)) == 2
    training.resume(directory)
    for a, b in zip(history_of(run.directory), history_of(directory), strict=True):
        del a["seconds"], b["seconds"]
        assert a == pytest.approx(b, abs=1e-5)
    assert (
        json.loads((directory / "report.json").read_text())["test_accuracy"]
        == (run.figures["test_accuracy"])
    )


@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"model": "cct_2_3x2_32", "changes": {}}, "model='cct_2_3x2_32', dataset='csv:"),
        ({"dataset": "digits"}, "model='text_cct_2_k2', dataset='digits'"),
        ({"augmentation": data.Augmentation(flip=True)}, "flip=True"),
        ({"changes": {"input_shape": (16, 16, 3)}}, "input_shape="),
    ],
)
def test_image_settings_in_a_text_recipe_are_refused(changes, received, texts):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        recipe(texts, **changes)


def test_word_vectors_need_a_text_model(tmp_path):
    (tmp_path / "glove.txt").write_text("the 0.1\n")
    with pytest.raises(ValueError, match="word_vectors"):
        few_digits(word_vectors=str(tmp_path / "glove.txt"))


def test_kind_of_a_loaded_data_set_is_checked(texts):
    """The kind of a TFDS set is known only after loading."""
    images = few_digits().load_data()
    with pytest.raises(ValueError, match="a model for texts, dataset='digits' with images"):
        build.build_model(recipe(texts), images)
    with pytest.raises(ValueError, match=r"a model for images, dataset='csv:.*' with texts"):
        build.build_model(few_digits(), recipe(texts).load_data())
