"""A training run on a few of the digits: the directory that it leaves."""

import csv
import json

import keras
import numpy as np
import pytest

from cctzoo import data, training
from cctzoo.training.train import build_model, compile_model


@pytest.fixture(scope="module")
def small_set(tmp_path_factory):
    """The first 200 digits as a file of the user's."""
    digits = data.load("digits")
    path = tmp_path_factory.mktemp("data") / "small.npz"
    np.savez(
        path,
        x_train=digits.x_train[:200],
        y_train=digits.y_train[:200],
        x_test=digits.x_test[:50],
        y_test=digits.y_test[:50],
    )
    return f"npz:{path}"


def recipe_for(dataset, **changes):
    return training.Recipe(
        dataset=dataset, epochs=2, warmup_epochs=1, batch_size=32, **{"seed": 1} | changes
    )


def test_a_run_directory_is_complete(small_set, tmp_path):
    recipe = recipe_for(small_set, precision="mixed_bfloat16", changes={"heads": 16})
    run = training.train(recipe, tmp_path / "run")
    names = {path.name for path in run.directory.iterdir()}
    assert names == {"recipe.json", "history.csv", "model.keras", "curves.png", "report.json"}
    assert training.Recipe.load(run.directory / "recipe.json") == recipe
    with open(run.directory / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} < set(rows[0])
    report = json.loads((run.directory / "report.json").read_text())
    assert report == run.report
    assert (run.directory / "curves.png").read_bytes().startswith(b"\x89PNG")

    model = keras.saving.load_model(run.directory / "model.keras")
    assert model.config.heads == 16
    logits = model.predict(run.dataset.x_test, verbose=0)
    accuracy = np.mean(logits.argmax(-1) == run.dataset.y_test)
    assert accuracy == pytest.approx(report["test_accuracy"], abs=0.021)  # one image of 50


def test_the_same_seed_gives_the_same_run(small_set, tmp_path):
    first, second, other = (
        training.train(recipe_for(small_set, seed=seed), tmp_path / str(i)).model.get_weights()
        for i, seed in enumerate((1, 1, 2))
    )
    assert all(np.allclose(a, b, atol=1e-4) for a, b in zip(first, second, strict=True))
    kernels = [(a, b) for a, b in zip(first, other, strict=True) if a.ndim == 4]
    assert not any(np.allclose(a, b, atol=1e-2) for a, b in kernels)


def test_a_directory_in_use_is_refused(small_set, tmp_path):
    (tmp_path / "old.txt").write_text("here")
    with pytest.raises(ValueError, match=f"directory='{tmp_path}'"):
        training.train(recipe_for(small_set), tmp_path)


def test_decay_touches_kernels_only_and_the_rate_warms_up(small_set):
    dataset = data.load(small_set)
    recipe = recipe_for(small_set, learning_rate=0.5)
    model = build_model(recipe, dataset)
    compile_model(model, recipe, steps=10)
    decayed = {
        variable.path
        for variable in model.trainable_variables
        if model.optimizer._use_weight_decay(variable)
    }
    assert decayed == {v.path for v in model.trainable_variables if v.name == "kernel"}
    schedule = model.optimizer._learning_rate
    rates = [float(schedule(step)) for step in (0, 5, 10, 15, 20)]
    np.testing.assert_allclose(rates, [0.005, 0.2525, 0.5, 0.25, 0], atol=1e-6)
