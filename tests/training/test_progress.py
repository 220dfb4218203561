"""What a training shows: its plan, lines in a file or a bar in a terminal, and the time left."""

import io
import sys

import pytest

from cctzoo import training
from cctzoo.training import progress
from cctzoo.training.progress import Progress, duration
from tests.training.few import few_digits

pytestmark = pytest.mark.one_backend("torch")

LOGS = {"loss": 1.25, "accuracy": 0.5, "val_accuracy": 0.625, "val_loss": 9.0}


class Clock:
    """Each step of training takes so many seconds."""

    def __init__(self, monkeypatch, seconds):
        self.now, self.seconds = 0.0, seconds
        monkeypatch.setattr(progress.time, "monotonic", lambda: self.now)

    def run(self, callback, epochs, steps):
        for epoch in epochs:
            callback.on_epoch_begin(epoch)
            for step in range(steps):
                self.now += self.seconds
                callback.on_train_batch_end(step, {"loss": 1.25})
            callback.on_epoch_end(epoch, LOGS)


def test_a_line_every_30_seconds(monkeypatch, capsys):
    clock = Clock(monkeypatch, seconds=4)
    clock.run(Progress(epochs=2, steps=10, done=0), range(2), steps=10)
    assert capsys.readouterr().out.splitlines() == [
        "epoch 1 of 2, step 8 of 10; about 48 s left",
        "epoch 2 of 2, step 6 of 10; loss 1.250, accuracy 50.0%, validation 62.5%; about 16 s left",
        "epoch 2 of 2; loss 1.250, accuracy 50.0%, validation 62.5%",
    ]


def test_the_first_line_is_an_estimate(monkeypatch, capsys):
    Clock(monkeypatch, seconds=0.5).run(Progress(epochs=3, steps=20, done=0), [0], steps=20)
    assert capsys.readouterr().out == "epoch 1 of 3, step 10 of 20; about 25 s left\n"


def test_short_epochs_of_a_resumed_run(monkeypatch, capsys):
    """The last line always appears; the time left counts from the first settled step."""
    clock = Clock(monkeypatch, seconds=5)
    clock.run(Progress(epochs=10, steps=3, done=6), range(6, 10), steps=3)
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("epoch 8 of 10; loss 1.250")
    assert first.endswith("about 30 s left")
    assert last.startswith("epoch 10 of 10; loss")
    assert "left" not in last


def test_a_bar_in_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    bar = Progress(epochs=2, steps=4, done=1)
    assert bar.bar.tasks[0].completed == 4
    Clock(monkeypatch, seconds=1).run(bar, [1], steps=4)
    bar.close()
    (task,) = bar.bar.tasks
    assert (task.completed, task.total, task.description) == (8, 8, "epoch 2 of 2")
    assert task.fields["figures"] == "loss 1.250, accuracy 50.0%, validation 62.5%"
    assert "epoch 2 of 2" in sys.stdout.getvalue()


def test_the_plan_of_a_run(tmp_path, capsys):
    recipe = few_digits()
    training.train(recipe, tmp_path / "run")
    out = capsys.readouterr().out
    assert out.startswith("model: cct_2_3x2_32, ")
    assert f"\ntraining: {recipe.epochs} epochs of " in out
    assert f"\ndirectory: {tmp_path / 'run'}\n" in out
    assert f"\nepoch {recipe.epochs} of {recipe.epochs}; loss " in out


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (5900, "98 min"), (12_000, "3 h 20 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
