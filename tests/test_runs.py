"""Opened runs keep the data options of their training; models and data from other sources."""

import json
import shutil

import numpy as np
import pytest

import cctzoo
from cctzoo import data, training, weights
from cctzoo.models import create_model
from cctzoo.runs import (
    is_delivered,
    load_for_model,
    load_model_and_data,
    open_model,
    open_run,
)
from tests.data.builders import prepare
from tests.data.pictures import save_classes
from tests.training.few import few_digits

pytestmark = pytest.mark.one_backend("torch")  # the code does not differ by backend


def save_npz(path, shape):
    x, y = np.full((20, *shape), 9, "uint8"), np.arange(20) % 10
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)
    return path


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


def test_the_same_data_elsewhere_give_no_warning(folder, tmp_path):
    """They are loaded in the size and the colours of the run; tests turn warnings into errors."""
    moved = str(shutil.copytree(folder / "sets", tmp_path / "moved"))
    name = open_run(folder / "run").recipe.dataset
    _, dataset = load_model_and_data(folder / "run", name, data_dir=moved)
    assert dataset.x_test.shape == (9, 20, 20, 1)


def test_other_data_give_one_warning(folder, tmp_path):
    """The classes keep the names that the model was trained with."""
    save_classes(tmp_path, {"a": 6, "b": 5, "c": 5})  # in colour, of several sizes
    with pytest.warns(UserWarning, match=r"the train part changed \(27 samples") as warned:
        _, dataset = load_model_and_data(folder / "run", f"folder:{tmp_path}")
    assert len(warned) == 1
    assert dataset.x_test.shape == (3, 20, 20, 1)
    assert dataset.classes == ["0", "1", "2"]
    with pytest.warns(UserWarning, match="not those that the run"):
        _, dataset = load_model_and_data(folder / "run", f"folder:{tmp_path}", image_size=(9, 8))
    assert dataset.x_test.shape == (3, 9, 8, 1)


def test_changed_data_of_a_run_give_one_warning(folder, tmp_path):
    run = shutil.copytree(folder / "run", tmp_path / "run")
    facts = json.loads((run / "data.json").read_text())
    facts["parts"]["test"] = {"samples": 8, "sha256": "another"}
    (run / "data.json").write_text(json.dumps(facts))
    opened = open_run(run)
    with pytest.warns(UserWarning, match=r"trained on: the test part changed \(8 .* and 9 now\)"):
        opened.dataset  # noqa: B018
    assert len(opened.dataset.y_test) == 9  # without another warning


def test_run_without_its_data_and_start(folder, tmp_path):
    """Everything that needs no data works; what needs them names the ways out."""
    run = shutil.copytree(folder / "run", tmp_path / "run")
    recipe = json.loads((run / "recipe.json").read_text())
    recipe |= {"data_dir": str(tmp_path), "start_from": "absent.keras"}
    (run / "recipe.json").write_text(json.dumps(recipe))
    opened = open_run(run)
    assert opened.model.count_params() == open_model(run).count_params()
    assert opened.model.config.class_names == ("0", "1", "2")
    with pytest.raises(ValueError, match=r"tiny_flowers.* --dataset or --data-dir.* --no-data"):
        load_model_and_data(run)
    moved = open_run(run, data_dir=str(folder / "sets"))
    assert moved.dataset.x_test.shape == (9, 20, 20, 1)


def test_models_without_a_run(tmp_path):
    create_model("cct_2_3x2_32", input_shape=(16, 16, 1), classes=10).save(tmp_path / "a.keras")
    model, dataset = load_model_and_data(tmp_path / "a.keras", "digits")
    assert model.config.classes == len(dataset.classes)
    model, dataset = load_model_and_data("cct_2_3x2_32")
    assert model.config.classes == 10
    assert dataset is None
    with pytest.raises(ValueError, match="data_dir"):
        load_model_and_data("cct_2_3x2_32", data_dir="sets")


def test_trained_weights_of_every_form(tmp_path):
    """They are built with their own config; the data are loaded in their size and colours."""
    model = open_model("cct_2_3x2_32.digits")
    weights.save_weights(model, tmp_path / "a.safetensors")
    weights.save_to_folder(model, tmp_path / "hub")
    model.save(tmp_path / "a.keras")
    expected = model.get_weights()[3]
    for name in ("a.safetensors", "hub", "a.keras"):
        np.testing.assert_array_equal(open_model(tmp_path / name).get_weights()[3], expected)
    photos = save_classes(tmp_path / "photos", {str(label): 5 for label in range(10)})
    recipe, dataset = load_for_model(model, f"folder:{photos}")
    assert dataset.x_train.shape[1:] == model.config.input_shape == (16, 16, 1)
    assert (recipe.image_size, recipe.color_mode) == (16, "grayscale")
    view = data.View(orient=False)
    looking = create_model("cct_2_3x2_32", input_shape=(9, 8, 3), view=view, classes=10)
    _, seen = load_for_model(looking, f"folder:{photos}")
    assert (seen.x_test.view, seen.x_test.image_size, seen.x_test.mode) == (view, (9, 8), "RGB")
    again = recipe.load_data()
    assert again.fingerprint() == dataset.fingerprint()
    save_classes(tmp_path / "few", {"a": 5, "b": 5})
    for source, received in {
        f"folder:{tmp_path / 'few'}": "with 2 classes",
        f"npz:{save_npz(tmp_path / 'large.npz', (20, 20, 1))}": r"images of \(20, 20, 1\)",
        "docstrings": "dataset='docstrings'",
    }.items():
        with pytest.raises(ValueError, match=f"Received: .*{received}"):
            load_for_model(model, source)
    with pytest.raises(ValueError, match=r"`color_mode` is only for .* color_mode='rgb'"):
        load_for_model(model, "digits", color_mode="rgb")


@pytest.mark.parametrize(
    ("source", "received"),
    [
        ("cct_2_3x2_32.digit", "Did you mean: cct_2_3x2_32.digits"),
        ("none.keras", "source='none.keras'"),
        ("runs/none", "source='runs/none'"),
        ("cct_2_3x2", "variant='cct_2_3x2'"),
    ],
)
def test_absent_model_is_refused(source, received):
    with pytest.raises(ValueError, match=received):
        open_model(source)


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


def test_classes_in_another_order_are_refused(tmp_path):
    """Labels would stand for other classes; other names for the same labels are accepted."""
    model = create_model(
        "cct_2_3x2_32", input_shape=(8, 8, 1), classes=2, class_names=("cat", "dog"), depth=1
    )
    x, y = np.arange(20 * 64).reshape(20, 8, 8).astype("uint8"), np.arange(20) % 2
    for names in (("dog", "cat"), ("cat", "dog"), ("Katze", "Hund")):
        path = tmp_path / f"{names[0]}.npz"
        np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y, names=names)
        if names == ("dog", "cat"):
            with pytest.raises(ValueError, match=r"order. Received: \['dog', 'cat'\] for a model"):
                load_for_model(model, f"npz:{path}")
        else:
            assert load_for_model(model, f"npz:{path}")[1].classes == list(names)


def test_load_model_takes_trained_models_only(folder):
    assert cctzoo.load_model("cct_2_3x2_32.digits").config.class_names == tuple("0123456789")
    with pytest.raises(ValueError, match=r"`create_model` builds .*source='cct_lsmha'"):
        cctzoo.load_model("cct_lsmha")
