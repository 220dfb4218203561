"""A resumed run gives the results of a run that was not stopped."""

import json
import os
import shutil
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from cctzoo import training
from cctzoo.formats.lock import LOCK
from cctzoo.training import checkpoint
from cctzoo.training.run import check_unchanged
from cctzoo.training.train import train_on_data
from tests.formats.processes import in_use
from tests.training.few import few_digits, history_of, stopped_by

OPTIONS = {"epochs": 4, "class_weights": "balanced", "best_by": "mean_class_accuracy", "ema": 0.9}

TRAIN = """
import signal, sys
from cctzoo import training
from tests.training.few import few_digits, stopped_by
from tests.training.test_resume import OPTIONS

training.train(few_digits(**OPTIONS), sys.argv[1], callbacks=[stopped_by(signal.SIGKILL, 7)])
"""


def state(directory):
    with np.load(directory / "checkpoint.npz", allow_pickle=False) as file:
        return {key: file[key] for key in file.files if key != "state"}


def assert_equal_runs(one, other):
    """Compares histories without seconds, and all variables: weights, moments and seeds."""
    for a, b in zip(history_of(one), history_of(other), strict=True):
        del a["seconds"], b["seconds"]
        assert a == pytest.approx(b, rel=1e-4)
    reports = [json.loads((each / "report.json").read_text()) for each in (one, other)]
    names = ("best_epoch", "best_validation_mean_class_accuracy", "test_mean_class_accuracy")
    for name in names:
        assert reports[0][name] == pytest.approx(reports[1][name], rel=1e-4)
    first, second = state(one), state(other)
    assert first.keys() == second.keys()
    for key, value in first.items():
        np.testing.assert_allclose(value, second[key], rtol=1e-3, atol=1e-5, err_msg=key)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    directory = tmp_path_factory.mktemp("whole") / "run"
    training.train(few_digits(**OPTIONS), directory)
    return directory


def test_the_mean_class_accuracy_chooses_the_best_epoch(whole):
    means = [row["val_mean_class_accuracy"] for row in history_of(whole)]
    report = json.loads((whole / "report.json").read_text())
    assert report["best_epoch"] == 1 + means.index(max(means))
    assert report["best_validation_mean_class_accuracy"] == max(means)
    run = training.open_run(whole)
    best = keras.saving.load_model(whole / "best.keras")
    found = training.evaluate(best, run.dataset.x_validation, run.dataset.y_validation)
    assert found["mean_class_accuracy"] == pytest.approx(max(means), abs=0.11)  # an image of 10


def test_interrupt_while_files_are_written(whole, tmp_path, monkeypatch):
    """Ctrl-C comes between checkpoint and history, then while the checkpoint is written."""
    directory = tmp_path / "run"

    def after(path, model, optimizer, history, best):
        save(path, model, optimizer, history, best)
        if len(history) == 2:
            raise KeyboardInterrupt

    def within(draft, **arrays):
        draft.write_bytes(b"half a checkpoint")
        raise KeyboardInterrupt

    save = checkpoint.save
    monkeypatch.setattr(checkpoint, "save", after)
    with pytest.raises(KeyboardInterrupt):
        training.train(few_digits(**OPTIONS), directory)
    assert len(history_of(directory)) == 1
    monkeypatch.undo()
    monkeypatch.setattr(np, "savez", within)
    with pytest.raises(KeyboardInterrupt):
        training.resume(directory)
    assert not list(directory.glob(".*"))
    monkeypatch.undo()
    training.resume(directory)
    assert_equal_runs(directory, whole)


@pytest.mark.one_backend("torch")  # signals; `test_interrupt...` resumes on each backend
def test_kill_and_termination(whole, tmp_path):
    """An epoch has 5 steps: SIGKILL comes in the second epoch, SIGTERM in the third."""
    directory = tmp_path / "run"
    command = [sys.executable, "-c", TRAIN, str(directory)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert child.returncode == -signal.SIGKILL, child.stderr[-2000:]
    assert len(history_of(directory)) == 1
    state(directory)  # the checkpoint can be read
    with pytest.raises(KeyboardInterrupt):
        training.resume(directory, callbacks=[stopped_by(signal.SIGTERM, 8)])
    assert len(history_of(directory)) == 2
    training.resume(directory)
    assert_equal_runs(directory, whole)


def test_finished_run_is_evaluated_again(whole, tmp_path):
    """A run killed after its last checkpoint is completed without training."""
    run = training.open_run(whole)
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    history = (tmp_path / "history.csv").read_text()
    os.remove(tmp_path / "report.json")
    (tmp_path / "history.csv").write_text(history.splitlines()[0])
    (tmp_path / ".cctzoo-draft-1").mkdir()
    (tmp_path / ".cctzoo-draft-1.lock").touch()
    again = training.resume(tmp_path)
    assert again.figures["test_loss"] == pytest.approx(run.figures["test_loss"], rel=1e-5)
    assert again.figures["training_seconds"] == pytest.approx(run.figures["training_seconds"])
    assert (tmp_path / "history.csv").read_text() == history
    assert not list(tmp_path.glob(".*"))
    for a, b in zip(run.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.one_backend("torch")  # files
def test_changed_data_are_refused(tmp_path, caplog):
    """The data may move; nothing in the run changes if they have changed."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (27, 8, 8, 1), "uint8"), np.arange(27) % 2

    def save(name, count):
        np.savez(tmp_path / name, x_train=x[:count], y_train=y[:count], x_test=x[:4], y_test=y[:4])
        return f"npz:{tmp_path / name}"

    options = {"train_samples": None, "test_samples": None, "batch_size": 4, "epochs": 1}
    recipe = few_digits(dataset=save("set.npz", 24), warmup_epochs=0, **options)
    directory = tmp_path / "run"
    training.train(recipe, directory)
    known = json.loads((directory / "data.json").read_text())
    assert known == recipe.load_data().fingerprint()
    save("set.npz", 27)
    before = {path: path.read_bytes() for path in directory.iterdir()}
    message = r"new run\. Received: .*train part changed \(22 samples then and 25 now\)"
    with pytest.raises(ValueError, match=message):
        training.resume(directory)
    assert {path: path.read_bytes() for path in directory.iterdir()} == before
    training.resume(directory, dataset=save("moved.npz", 24))
    (directory / "data.json").unlink()
    with caplog.at_level("INFO", "cctzoo"):
        assert check_unchanged(directory, recipe.load_data())["parts"]["train"]["samples"] == 25
    assert "has no data.json" in caplog.text


def test_a_run_that_is_being_written_is_refused(tmp_path, monkeypatch):
    """By another process or thread; no data are loaded."""
    recipe = few_digits()
    (tmp_path / "resumed").mkdir()
    recipe.save(tmp_path / "resumed" / "recipe.json")
    monkeypatch.setattr(training.Recipe, "load_data", None)
    calls = {
        "new": lambda directory: training.train(recipe, directory),
        "data": lambda directory: train_on_data(recipe, None, directory),
        "resumed": training.resume,
    }
    for name, call in calls.items():
        directory = tmp_path / name
        with in_use(directory):
            before = sorted(directory.iterdir())
            with pytest.raises(ValueError, match="Another process is writing this directory"):
                call(directory)
            assert sorted(directory.iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["resumed"]
    (tmp_path / "killed").mkdir()  # before its recipe was written
    (tmp_path / "killed" / LOCK).touch()
    (tmp_path / "killed" / ".cctzoo-draft-1.lock").touch()
    training.check_directory(tmp_path / "killed")


def test_invalid_run_or_checkpoint_is_refused(whole, tmp_path):
    with pytest.raises(ValueError, match=f"directory='{tmp_path}'"):
        training.resume(tmp_path)
    few_digits(**OPTIONS).save(tmp_path / "recipe.json")
    complete = (whole / "checkpoint.npz").read_bytes()
    (tmp_path / "checkpoint.npz").write_bytes(complete[:-100])
    with pytest.raises(ValueError, match=r"Received: path=.*checkpoint\.npz"):
        training.resume(tmp_path)
    other = dict(np.load(whole / "checkpoint.npz", allow_pickle=False))
    np.savez(tmp_path / "checkpoint.npz", **other, more=np.zeros(3))
    with pytest.raises(ValueError, match="more"):
        training.resume(tmp_path)
    rest = json.loads(str(other["state"])) | {"backend": "mxnet"}
    np.savez(tmp_path / "checkpoint.npz", **other | {"state": np.array(json.dumps(rest))})
    with pytest.raises(ValueError, match="a checkpoint of 'mxnet'"):
        training.resume(tmp_path)
