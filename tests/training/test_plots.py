"""The plots of a run, and the note about its training loss."""

import numpy as np
import pytest

from cctzoo import data, training
from cctzoo.training import plots
from cctzoo.training.loss_note import loss_note
from tests.training.few import TINY, few_digits

pytestmark = pytest.mark.one_backend("torch")  # nothing is computed by a backend
HISTORY = [
    {"epoch": 1, "loss": 2.0, "accuracy": 0.25, "val_loss": 1.5, "val_accuracy": 0.5},
    {"epoch": 2, "loss": 1.0, "accuracy": 0.5, "val_loss": 0.5, "val_accuracy": 0.75},
]


def test_curves(tmp_path):
    figure = plots.plot_curves(HISTORY, tmp_path / "curves.svg", title="a $run$", note="A note.")
    left, right = figure.axes
    assert left.lines[0].get_ydata().tolist() == [2, 1]
    assert right.lines[1].get_ydata().tolist() == [50, 75]
    assert (left.get_ylabel(), right.get_ylabel()) == ("loss", "accuracy in %")
    assert figure.get_suptitle() == r"a \$run\$"
    assert figure.get_supxlabel() == "A note."
    assert b"<svg" in (tmp_path / "curves.svg").read_bytes()


def test_curves_without_validation(tmp_path):
    rows = [{k: v for k, v in row.items() if "val_" not in k} for row in HISTORY]
    figure = plots.plot_curves(rows, tmp_path / "curves.png")
    assert [len(axes.lines) for axes in figure.axes] == [1, 1]
    assert figure.get_suptitle()


def test_confusion_has_one_unit(tmp_path):
    figure = plots.plot_confusion(np.array([[3, 1], [0, 0]]), ["a", "b"], tmp_path / "c.png")
    axes, bar = figure.axes
    assert axes.images[0].get_array().tolist() == [[75, 25], [0, 0]]
    assert axes.images[0].get_clim() == (0, 100)
    assert [text.get_text() for text in axes.texts] == ["75", "25"]
    assert bar.get_ylabel() == "% of the true class"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "with label smoothing (0.1), augmented images and dropout"),
        ({"label_smoothing": 0.0}, "with augmented images and dropout"),
        ({"augmentation": data.Augmentation(mixup=0.8)}, "images that are mixed and augmented"),
        ({"class_weights": "balanced"}, "class weights"),
    ],
)
def test_the_note_names_what_raises_the_training_loss(changes, words):
    note = loss_note(few_digits(**changes))
    assert words in note
    assert "may therefore lie above the validation loss" in note


def test_no_note_without_a_cause():
    plain = TINY | {"attention_dropout": 0.0, "stochastic_depth": 0.0, "dropout": 0.0}
    recipe = training.Recipe(changes=plain, label_smoothing=0.0, augmentation=data.Augmentation())
    assert loss_note(recipe) is None
