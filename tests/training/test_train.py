"""Training runs on a few digits: the files of the run directory, and errors."""

import dataclasses
import re

import keras
import numpy as np
import pytest

from cctzoo import data, training
from cctzoo.training.build import build_model
from cctzoo.training.progress import report_left_out
from tests.training.few import few_digits, history_of

SHOWN = {}  # the figures that Keras' progress bar shows


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    recipe = few_digits(precision="mixed_bfloat16", seed=2)
    shown = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: SHOWN.update(logs))
    return training.train(
        recipe, tmp_path_factory.mktemp("run") / "run", tensorboard=True, callbacks=[shown]
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return training.train(few_digits(decayed="all"), tmp_path_factory.mktemp("plain") / "run")


def test_files_of_a_run(run):
    pictures = {"curves.png", "confusion.png"}
    files = {"recipe.json", "data.json", "history.csv", "checkpoint.npz", "report.json"}
    files |= {"report.html"}
    names = {path.name for path in run.directory.iterdir()}
    assert names == files | pictures | {"best.keras", "model.keras", "tensorboard"}
    assert all((run.directory / name).read_bytes().startswith(b"\x89PNG") for name in pictures)
    assert any((run.directory / "tensorboard").iterdir())


def test_history(run):
    rows = history_of(run.directory)
    assert rows == run.history
    assert [row["epoch"] for row in rows] == [1, 2]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"} < set(rows[0])
    assert all(0 <= row["val_mean_class_accuracy"] <= 1 for row in rows)
    assert set(rows[0]) - set(SHOWN) == {"epoch", "val_mean_class_accuracy"}


def test_figures(run):
    figures = run.figures
    accuracies = [row["val_accuracy"] for row in run.history]
    assert figures["best_validation_accuracy"] == max(accuracies)
    assert figures["last_validation_accuracy"] == accuracies[-1]
    matrix = np.array(figures["confusion"])
    assert matrix.sum() == figures["test_samples"] == 51
    assert figures["test_accuracy"] == pytest.approx(np.trace(matrix) / 51)
    assert figures["test_accuracy"] <= figures["test_top5_accuracy"] <= 1
    assert figures["class_accuracies"]["0"] == pytest.approx(matrix[0, 0] / matrix[0].sum())
    means = np.diag(matrix) / matrix.sum(1)
    assert figures["test_mean_class_accuracy"] == pytest.approx(means.mean())
    assert figures["best_epoch"] == 1 + accuracies.index(max(accuracies))
    assert figures["samples_per_epoch"] == 80  # 5 batches of 16; 90 samples are for training


def test_opened_run_equals_the_trained_one(run):
    opened = training.open_run(run.directory)
    assert opened.recipe == run.recipe
    assert opened.figures == run.figures
    assert opened.history == run.history
    assert opened.model.config == run.model.config
    found = training.evaluate(opened.model, opened.dataset.x_test, opened.dataset.y_test)
    expected = run.figures["test_accuracy"]
    assert found["accuracy"] == pytest.approx(expected, abs=0.021)  # one image of 51


def test_unfinished_run_is_not_opened(run, tmp_path):
    with pytest.raises(ValueError, match=r"must be a run directory.*directory='"):
        training.open_run(tmp_path)
    run.recipe.save(tmp_path / "recipe.json")
    with pytest.raises(ValueError, match=r"must be finished.*no report\.json"):
        training.open_run(tmp_path)


def test_the_same_seed_gives_the_same_run(plain, run, tmp_path):
    again = training.train(plain.recipe, tmp_path / "again")
    pairs = zip(plain.model.get_weights(), again.model.get_weights(), strict=True)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in pairs)
    assert run.recipe.seed != plain.recipe.seed
    kernels = zip(plain.model.get_weights(), run.model.get_weights(), strict=True)
    assert not any(np.allclose(a, b, atol=1e-3) for a, b in kernels if a.ndim == 4)


def test_nonempty_directory_is_refused(tmp_path):
    (tmp_path / "old.txt").write_text("here")
    with pytest.raises(ValueError, match=f"directory='{tmp_path}'"):
        training.train(few_digits(), tmp_path)


@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"batch_size": 91}, "batch_size=91, samples=90"),
        ({"batch_size": 15, "augmentation": data.Augmentation(mixup=1)}, "batch_size=15"),
        ({"best_by": "mean_class_accuracy", "validation": 0.0}, r"best_by=.* validation=0\.0"),
        ({"changes": {"classes": 3}}, "10 in 'digits'.*'classes': 3"),
    ],
)
def test_unsuitable_recipe_is_refused_before_files_are_written(changes, received, tmp_path):
    with pytest.raises(ValueError, match=received):
        training.train(few_digits(**changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.one_backend("torch")
@pytest.mark.parametrize(
    ("samples", "changes", "devices", "notice"),
    [
        (90, {"batch_size": 16}, 1, "leaves out 10 of 90 .* batch size of 15 would leave out 0"),
        (90, {"batch_size": 64}, 1, "leaves out 26 of 90 .* batch size of 45 would leave out 0"),
        (90, {"batch_size": 16}, 2, "leaves out 10 of 90 .* batch size of 12 would leave out 6"),
        (
            90,
            {"batch_size": 16, "augmentation": data.Augmentation(mixup=1.0)},
            1,
            "leaves out 10 of 90 .* batch size of 10 would leave out 0",
        ),
        (1293, {"batch_size": 64}, 1, None),  # the quick start leaves out 1 %
    ],
)
def test_a_notice_tells_what_an_epoch_leaves_out(caplog, samples, changes, devices, notice):
    with caplog.at_level("INFO", logger="cctzoo"):
        report_left_out(samples, few_digits(**changes), devices)
    if notice is None:
        assert not caplog.messages
    else:
        assert re.search(notice, *caplog.messages)


@pytest.mark.one_backend("torch")
def test_a_run_needs_several_classes_and_logits(tmp_path):
    for activation in ("sigmoid", "softmax"):
        with pytest.raises(ValueError, match=f"returns logits.*'{activation}'"):
            few_digits(changes={"classifier_activation": activation})
    with pytest.raises(ValueError, match="view of a model is that of its data set"):
        few_digits(changes={"view": data.View()})
    x, y = np.full((60, 12, 12, 1), 99, "uint8"), np.zeros(60, int)
    np.savez(tmp_path / "one.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    recipe = few_digits(dataset=f"npz:{tmp_path / 'one.npz'}", train_samples=None)
    with pytest.raises(ValueError, match=r"at least two classes.*classes=\['0'\]"):
        training.train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.one_backend("torch")  # test_fit.py: each step on each backend
def test_divergence_names_the_step_and_keeps_earlier_epochs(tmp_path):
    recipe = few_digits(epochs=3, warmup_epochs=2, learning_rate=1e30, warmup_rate=0.0)
    # The rate is 0 in step 1 and a sixth of 1e30 in step 2: from step 3, nothing is finite.
    with pytest.raises(training.TrainingDiverged, match=r"step [2-5] of epoch 1\b"):
        training.train(recipe, tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"recipe.json", "data.json"}


@pytest.mark.one_backend("torch")  # the division of the data
def test_without_validation_part_all_images_train(tmp_path):
    run = training.train(few_digits(validation=0.0, epochs=1, warmup_epochs=0), tmp_path / "run")
    assert len(run.dataset.x_train) == 100
    assert "val_accuracy" not in history_of(run.directory)[0]
    assert not (run.directory / "best.keras").exists()
    assert run.figures["best_validation_accuracy"] is None


def test_moving_average_is_saved(plain, tmp_path):
    """With a momentum near 1, the average stays close to the initial weights."""
    run = training.train(few_digits(ema=0.999, decayed="all"), tmp_path / "run")
    keras.utils.set_random_seed(1)
    start = build_model(few_digits(), few_digits().load_data()).get_weights()

    def distance(weights):
        return sum(np.abs(a - b).sum() for a, b in zip(weights, start, strict=True))

    assert distance(run.model.get_weights()) < 0.2 * distance(plain.model.get_weights())
    best = keras.saving.load_model(run.directory / "best.keras")
    assert distance(best.get_weights()) < 0.2 * distance(plain.model.get_weights())
    # Training does not continue from the average: the losses of the two runs are the same.
    losses = [[row["loss"] for row in each.history] for each in (run, plain)]
    np.testing.assert_allclose(*losses, rtol=1e-3)


@pytest.mark.one_backend("torch")  # weights/ loads on each backend
def test_fine_tuning_for_other_images_and_classes(tmp_path):
    first = build_model(few_digits(), few_digits().load_data())
    first.save(tmp_path / "first.keras")
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "other.npz",
        x_train=rng.integers(0, 256, (60, 24, 20, 1), "uint8"),
        y_train=np.arange(60) % 3,
        x_test=rng.integers(0, 256, (9, 24, 20, 1), "uint8"),
        y_test=np.arange(9) % 3,
    )
    recipe = few_digits(
        dataset=f"npz:{tmp_path / 'other.npz'}",
        start_from=str(tmp_path / "first.keras"),
        changes={"dropout": 0.2},
        epochs=1,
        warmup_epochs=0,
        train_samples=None,
        test_samples=None,
        learning_rate=1e-12,
        warmup_rate=0.0,
        weight_decay=0.0,
    )
    run = training.train(recipe, tmp_path / "second")
    config = run.model.config
    assert (config.embed_dim, config.classes, config.input_shape) == (16, 3, (24, 20, 1))
    assert config.dropout == 0.2
    assert config.mean == first.config.mean
    kernel = first.get_layer("block00").get_weights()
    for a, b in zip(kernel, run.model.get_layer("block00").get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert dataclasses.asdict(training.Recipe.load(run.directory / "recipe.json"))["start_from"]


def test_float16_scales_the_loss(tmp_path):
    run = training.train(
        few_digits(precision="mixed_float16", epochs=1, warmup_epochs=0), tmp_path / "run"
    )
    assert np.isfinite(history_of(run.directory)[0]["loss"])
