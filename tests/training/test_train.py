"""A training run on a few of the digits: the directory that it leaves, and its rules."""

import csv
import dataclasses
import json

import keras
import numpy as np
import pytest

from cctzoo import data, training
from cctzoo.training.build import build_model, compile_model, training_model
from tests.training.few import TINY, few_digits


def rows_of(directory):
    with open(directory / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_directory_is_complete(tmp_path):
    recipe = few_digits(precision="mixed_bfloat16")
    run = training.train(recipe, tmp_path / "run", tensorboard=True)
    names = {path.name for path in run.directory.iterdir()}
    pictures = {"curves.png", "confusion.png"}
    files = {"recipe.json", "history.csv", "checkpoint.npz", "report.json", "tensorboard"}
    assert names == files | pictures | {"best.keras", "model.keras"}
    assert training.Recipe.load(run.directory / "recipe.json") == recipe
    rows = rows_of(run.directory)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"} < set(rows[0])
    assert all((run.directory / name).read_bytes().startswith(b"\x89PNG") for name in pictures)
    assert any((run.directory / "tensorboard").iterdir())

    report = json.loads((run.directory / "report.json").read_text())
    assert report == run.report
    assert report["best_validation_accuracy"] == max(float(row["val_accuracy"]) for row in rows)
    matrix = np.array(report["confusion"])
    assert matrix.sum() == report["test_samples"] == 51
    assert report["test_accuracy"] == pytest.approx(np.trace(matrix) / 51)
    assert report["test_accuracy"] <= report["test_top5_accuracy"] <= 1
    zero = matrix[0, 0] / matrix[0].sum()
    assert report["class_accuracies"]["0"] == pytest.approx(zero)

    model = keras.saving.load_model(run.directory / "model.keras")
    assert model.config.embed_dim == 16
    logits = model.predict(run.dataset.x_test, verbose=0)
    accuracy = np.mean(logits.argmax(-1) == run.dataset.y_test)
    assert accuracy == pytest.approx(report["test_accuracy"], abs=0.021)  # one image of 51


def test_the_same_seed_gives_the_same_run(tmp_path):
    first, second, other = (
        training.train(few_digits(epochs=1, warmup_epochs=0, seed=seed), tmp_path / str(i))
        for i, seed in enumerate((1, 1, 2))
    )
    pairs = zip(first.model.get_weights(), second.model.get_weights(), strict=True)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in pairs)
    kernels = zip(first.model.get_weights(), other.model.get_weights(), strict=True)
    assert not any(np.allclose(a, b, atol=1e-3) for a, b in kernels if a.ndim == 4)


def test_a_directory_in_use_is_refused(tmp_path):
    (tmp_path / "old.txt").write_text("here")
    with pytest.raises(ValueError, match=f"directory='{tmp_path}'"):
        training.train(few_digits(), tmp_path)


def test_what_does_not_fit_is_found_before_anything_is_written(tmp_path):
    cases = {
        "batch_size=91, images=90": few_digits(batch_size=91),
        "batch_size=15": few_digits(batch_size=15, augmentation=data.Augmentation(mixup=1)),
    }
    for received, recipe in cases.items():
        with pytest.raises(ValueError, match=received):
            training.train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_divergence_names_the_step_and_keeps_the_epochs_before(tmp_path):
    recipe = few_digits(epochs=3, warmup_epochs=2, learning_rate=1e30, warmup_rate=0.0)
    # Step 1 has rate 0, step 2 a sixth of 1e30: from step 3 on nothing is finite.
    with pytest.raises(training.TrainingDiverged, match=r"step [2-5] of epoch 1\b"):
        training.train(recipe, tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"recipe.json"}


def test_without_validation_every_image_trains(tmp_path):
    run = training.train(few_digits(validation=0.0, epochs=1, warmup_epochs=0), tmp_path / "run")
    assert len(run.dataset.x_train) == 100
    assert "val_accuracy" not in rows_of(run.directory)[0]
    assert not (run.directory / "best.keras").exists()
    assert run.report["best_validation_accuracy"] is None


def compiled(recipe, steps=10):
    dataset = recipe.load_data()
    model = training_model(build_model(recipe, dataset), recipe, dataset)
    compile_model(model, recipe, steps)
    return model, dataset


def test_schedule_warms_up_follows_a_cosine_and_stays_at_the_floor():
    recipe = few_digits(
        epochs=3, warmup_epochs=1, cooldown_epochs=2, learning_rate=0.5, floor_rate=0.1
    )
    model, _ = compiled(recipe)
    schedule = model.optimizer._learning_rate
    rates = [float(schedule(step)) for step in (0, 5, 10, 20, 30, 49)]
    np.testing.assert_allclose(rates, [1e-5, 0.250005, 0.5, 0.3, 0.1, 0.1], atol=1e-6)
    assert recipe.total_epochs == 5


@pytest.mark.parametrize("decayed", ["kernels", "matrices", "all"])
def test_what_decays(decayed):
    model, _ = compiled(few_digits(decayed=decayed))
    found = {v.path for v in model.trainable_variables if model.optimizer._use_weight_decay(v)}
    wanted = {
        "kernels": lambda v: v.name == "kernel",
        "matrices": lambda v: v.name in ("kernel", "embedding"),
        "all": lambda v: True,
    }[decayed]
    assert found == {v.path for v in model.trainable_variables if wanted(v)}


def one_epoch(recipe):
    """Weights after one epoch without augmentation and dropout."""
    keras.utils.set_random_seed(3)
    model, dataset = compiled(recipe)
    batches = data.ImageBatches(dataset.x_train, dataset.y_train, 10, recipe.batch_size)
    model.fit(batches, shuffle=False, verbose=0)
    return model


def still(**changes):
    """A recipe whose steps do not depend on how images are shared out."""
    return few_digits(
        changes=TINY | {"attention_dropout": 0.0, "stochastic_depth": 0.0},
        augmentation=data.Augmentation(),
        validation=0.04,
        warmup_epochs=0,
        **changes,
    )


def test_accumulation_is_a_larger_batch():
    # 96 images: 6 steps of 16, or 12 of 8 whose gradients are averaged in pairs. The schedule
    # counts steps, so that it is kept flat: the floor is the rate.
    flat = {"learning_rate": 1e-3, "floor_rate": 1e-3, "warmup_rate": 0.0, "clip_norm": 0.5}
    whole = one_epoch(still(batch_size=16, **flat)).get_weights()
    halves = one_epoch(still(batch_size=8, accumulate=2, **flat)).get_weights()
    moved = one_epoch(still(batch_size=8, **flat)).get_weights()
    pairs = list(zip(whole, halves, strict=True))
    assert all(np.allclose(a, b, atol=2e-4) for a, b in pairs)
    assert not all(np.allclose(a, b, atol=2e-4) for a, b in zip(whole, moved, strict=True))


def test_clipping_limits_the_step():
    """With plain gradient descent's size: Adam hides it, its second moment does not."""
    clipped, free = (one_epoch(still(clip_norm=norm)) for norm in (1e-3, None))
    seconds = [
        max(float(np.max(keras.ops.convert_to_numpy(v))) for v in model.optimizer._velocities)
        for model in (clipped, free)
    ]
    assert seconds[0] < 1e-6 < seconds[1]


def test_moving_average_is_what_is_kept(tmp_path):
    """With a momentum near 1 the average has hardly left the first weights."""
    run = training.train(few_digits(ema=0.999, decayed="all"), tmp_path / "run")
    free = training.train(few_digits(decayed="all"), tmp_path / "free")
    keras.utils.set_random_seed(1)
    start = build_model(run_recipe := few_digits(), run_recipe.load_data()).get_weights()

    def distance(weights):
        return sum(np.abs(a - b).sum() for a, b in zip(weights, start, strict=True))

    assert distance(run.model.get_weights()) < 0.2 * distance(free.model.get_weights())
    best = keras.saving.load_model(run.directory / "best.keras")
    assert distance(best.get_weights()) < 0.2 * distance(free.model.get_weights())
    # What trains on is not the average: the losses of the two runs are the same.
    losses = [[row["loss"] for row in rows_of(each.directory)] for each in (run, free)]
    np.testing.assert_allclose(*np.array(losses, float), rtol=1e-3)


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
    assert np.isfinite(float(rows_of(run.directory)[0]["loss"]))
