"""Plots and sentences show the figures of the report."""

import numpy as np
import pytest

from cctzoo.analysis import BlockPerformance, Performance, plots
from cctzoo.analysis.report.sentences import sentences

pytestmark = pytest.mark.one_backend("torch")  # uses no backend


def performance(accuracies=(0.5, 0.75), noise=(0.0, 0.0)):
    """Two heads for three labels: head 0 knows 0 and 2, head 1 knows 1; `noise` elsewhere."""
    blocks = []
    for number, (accuracy, level) in enumerate(zip(accuracies, noise, strict=True)):
        fields = np.full((2, 3, 3), level)
        fields[0, [0, 0, 2, 2], [0, 2, 0, 2]] = 1
        fields[1, 1, 1] = 1
        evidence = np.full((2, 3), 9.0)
        probe_accuracy = accuracy + 0.1
        blocks.append(
            BlockPerformance(number, None, fields, evidence, probe_accuracy, accuracy, 0.3, None)
        )
    return Performance("head", tuple(blocks), {"threshold": 0.3})


@pytest.fixture
def drawn(monkeypatch):
    """Collects figures instead of saving them."""
    figures = []
    monkeypatch.setattr(plots, "save_figure", lambda figure, *_, **__: figures.append(figure))
    return figures


def test_field_grid_orders_labels_by_cluster(drawn):
    names = ["cat", "dog", "eel"]
    assert plots.field_grid(performance(), 1, "x.png", names) is drawn[-1]
    first, second = drawn[0].axes[:2]
    np.testing.assert_array_equal(
        first.images[0].get_array(), [[1, 1, 0], [1, 1, 0], [0, 0, 0]], "label 2 next to label 0"
    )
    assert [text.get_text() for text in first.get_xticklabels()] == ["cat", "eel", "dog"]
    assert [patch.get_width() for patch in first.patches] == [2]
    assert first.get_title() == "head 0: clusters 1, noise 0"
    assert [text.get_text() for text in second.get_yticklabels()] == ["dog", "cat", "eel"]


def test_plots_show_the_figures(drawn):
    found = performance()
    assert plots.clusters_per_unit(found, "x.png") is drawn[-1]
    assert [bar.get_height() for bar in drawn[-1].axes[0].patches] == [0, 2]
    assert plots.label_coverage(found, "x.png") is drawn[-1]
    np.testing.assert_array_equal(drawn[-1].axes[0].images[0].get_array(), [[1, 1, 1]] * 2)
    both = {"trained": found, "other": performance((0.1, 0.1))}
    assert plots.along_blocks(both, "x.png") is drawn[-1]
    left, right = drawn[-1].axes
    assert [line.get_ydata().tolist() for line in left.lines] == [[50, 75], [10, 10]]
    assert np.isnan(right.lines[0].get_ydata().astype(float)).all(), "no SNR without noise"
    scores = {3: np.array([1.0, 2]), 4: np.array([3.0])}
    assert plots.head_map(scores, "x.png", "importance") is drawn[-1]
    table = drawn[-1].axes[0].images[0].get_array().filled(np.nan)
    np.testing.assert_array_equal(table, [[1, 2], [3, np.nan]])
    assert plots.kept_heads({"a": {4: 0.9, 2: 0.8}}, "x.png") is drawn[-1]
    assert drawn[-1].axes[0].lines[0].get_xydata().tolist() == [[4, 90], [2, 80]]


def test_rollout_covers_the_image(drawn):
    rng = np.random.default_rng(0)
    for channels in (1, 3):
        images = rng.integers(0, 256, (5, 8, 12, channels), "uint8")
        maps = rng.random((5, 2, 3))
        assert plots.rollout(images, maps, "x.png", [*"abcde"]) is drawn[-1]
        axes = drawn[-1].axes
        np.testing.assert_array_equal(axes[9].images[1].get_array(), maps[4])
        left, right, *_ = axes[9].images[0].get_extent()
        assert tuple(axes[9].images[1].get_extent()) == (left, right, 7.5, -0.5)
        assert axes[8].get_title() == "e"


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_plots_are_saved_by_suffix(tmp_path, suffix):
    path = tmp_path / f"coverage.{suffix}"
    plots.label_coverage(performance(), path)
    start = path.read_bytes()[:5]
    assert start == {"png": b"\x89PNG\r", "svg": b"<?xml"}[suffix]
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_sentences_state_the_figures():
    rising = performance((0.5, 0.75), noise=(0.2, 0.1))
    falling = performance((0.75, 0.5), noise=(0.1, 0.2))
    for found, course in ((rising, "rises"), (falling, "falls")):
        accuracy, ratio, heads, fresh, *more = sentences(found, rising)
        assert f"accuracy of the probe {course} from block to block" in accuracy
        assert f"ratio {course} from block to block" in ratio
        assert "recognises 1.5 of 3 labels" in heads
        assert "by 1 to 1 of 2 heads" in heads
        assert "1.5 labels, with 0.5 clusters of a single label" in fresh
        assert not more
    flat = sentences(performance((0.5, 0.5), (0.1, 0.1)), rising)
    assert "neither rises nor falls" in flat[0]
