import numpy as np
import pytest

from cctzoo.plotting import as_label
from cctzoo.training.plots import plot_confusion

pytestmark = pytest.mark.one_backend("torch")


def test_any_name_can_label_a_plot(tmp_path):
    """Matplotlib takes the text between two dollar signs for a formula."""
    names = ["$\\frac$", "a$b$c", "bell\x07", "x" * 300, "", "<b>"]
    plot_confusion(np.eye(len(names)), names, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_labels():
    assert as_label("cat") == "cat"
    assert as_label("5 $") == r"5 \$"
    assert as_label("a\nb") == "a\ufffdb"
    assert as_label("x" * 50, 10) == "x" * 9 + "…"
