"""Opened runs keep the data options of their training; models and data from other sources."""

import shutil

import numpy as np
import pytest

from cctzoo import training
from cctzoo.models import create_model
from cctzoo.runs import is_delivered, load_model_and_data, open_run
from tests.data.builders import prepare
from tests.training.few import few_digits

pytestmark = pytest.mark.one_backend("jax")  # the code does not differ by backend


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run on a TFDS set in its own folder, with images of any size read as 20 x 20."""
    folder = tmp_path_factory.mktemp("runs")
    recipe = few_digits(
        dataset=prepare(folder / "sets"),
        data_dir=str(folder / "sets"),
        image_size=20,
        color_mode="grayscale",
        train_samples=None,
        test_samples=None,
        batch_size=4,
        epochs=1,
        warmup_epochs=0,
    )
    training.train(recipe, folder / "run")
    return folder


def test_opened_run_loads_its_data_with_its_options(folder):
    run = open_run(folder / "run")
    assert run.recipe.data_dir == str(folder / "sets")
    assert run.dataset.x_test.shape == (9, 20, 20, 1)
    found = training.evaluate(run.model, run.dataset.x_test, run.dataset.y_test)
    assert found["accuracy"] == pytest.approx(run.figures["test_accuracy"])


def test_source_of_a_run_has_the_options_of_the_run(folder):
    model, dataset = load_model_and_data(folder / "run")
    assert dataset.x_train.shape[1:] == model.config.input_shape == (20, 20, 1)
    assert len(dataset.classes) == model.config.classes


def test_given_options_replace_those_of_the_run(folder, tmp_path):
    moved = shutil.copytree(folder / "sets", tmp_path / "moved")
    _, dataset = load_model_and_data(folder / "run", data_dir=str(moved), image_size=24)
    assert dataset.x_test.shape == (9, 24, 24, 1)
    run = shutil.copytree(folder / "run", tmp_path / "run")
    training.resume(run, data_dir=str(moved))
    assert open_run(run).recipe.data_dir == str(moved)


def test_another_data_set_in_place_of_that_of_the_run(folder):
    _, dataset = load_model_and_data(folder / "run", "digits")
    assert dataset.name == "digits"


def test_models_without_a_run(tmp_path):
    create_model("cct_2_3x2_32", input_shape=(16, 16, 1), classes=10).save(tmp_path / "a.keras")
    model, dataset = load_model_and_data(tmp_path / "a.keras", "digits")
    assert model.config.classes == len(dataset.classes)
    model, dataset = load_model_and_data("cct_2_3x2_32")
    assert model.config.classes == 10
    assert dataset is None
    with pytest.raises(ValueError, match="data_dir"):
        load_model_and_data("cct_2_3x2_32", data_dir="sets")


def test_named_text_model_takes_vocabulary_and_classes_from_the_data(tmp_path):
    rows = [f"{'warm sun' if i % 2 else 'cold rain'} {i},{i % 2}" for i in range(20)]
    (tmp_path / "weather.csv").write_text("text,label\n" + "\n".join(rows))
    model, dataset = load_model_and_data("text_cct_2_k2", f"csv:{tmp_path / 'weather.csv'}")
    assert {"warm", "sun", "cold", "rain"} <= set(model.config.vocabulary)
    probabilities = training.predict(model, dataset.x_test)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)  # softmax, as in the config


def test_delivery_is_recognised_by_its_report(tmp_path):
    assert not is_delivered(tmp_path)
    (tmp_path / "export").mkdir()
    assert not is_delivered(tmp_path)
    (tmp_path / "export" / "report.json").write_text("{}")
    assert is_delivered(tmp_path)
