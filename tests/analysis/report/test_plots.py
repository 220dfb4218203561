"""Plots, sentences and pages show the figures of the report."""

import numpy as np
import pytest

from cctzoo.analysis import BlockPerformance, HeadReport, HeadScores, Performance, plots
from cctzoo.analysis.report.html import page, paragraph, table
from cctzoo.analysis.report.sentences import sentences
from cctzoo.analysis.report.sheet import report_page

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
    plots.field_grid(performance(), 1, "x.png", classes=["cat", "dog", "eel"])
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
    plots.clusters_per_unit(found, "x.png")
    assert [bar.get_height() for bar in drawn[-1].axes[0].patches] == [0, 2]
    plots.label_coverage(found, "x.png")
    np.testing.assert_array_equal(drawn[-1].axes[0].images[0].get_array(), [[1, 1, 1]] * 2)
    plots.along_blocks({"trained": found, "other": performance((0.1, 0.1))}, "x.png")
    left, right = drawn[-1].axes
    assert [line.get_ydata().tolist() for line in left.lines] == [[50, 75], [10, 10]]
    assert np.isnan(right.lines[0].get_ydata().astype(float)).all(), "no SNR without noise"
    plots.head_map({3: np.array([1.0, 2]), 4: np.array([3.0])}, "x.png", "importance")
    table = drawn[-1].axes[0].images[0].get_array().filled(np.nan)
    np.testing.assert_array_equal(table, [[1, 2], [3, np.nan]])
    plots.kept_heads({"a": {4: 0.9, 2: 0.8}}, "x.png")
    assert drawn[-1].axes[0].lines[0].get_xydata().tolist() == [[4, 90], [2, 80]]


def test_rollout_covers_the_image(drawn):
    rng = np.random.default_rng(0)
    for channels in (1, 3):
        images = rng.integers(0, 256, (5, 8, 12, channels), "uint8")
        maps = rng.random((5, 2, 3))
        plots.rollout(images, maps, "x.png", [*"abcde"])
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


def test_page_escapes_its_content():
    text = page("<a>", paragraph("1 < 2"), table(("<b>",), [(None,), (0.126,), ("<i>",)]))
    assert "1 &lt; 2" in text
    for cell in ("<td>-</td>", "<td>0.13</td>", "<td>&lt;i&gt;</td>", "<th>&lt;b&gt;</th>"):
        assert cell in text
    assert "<a>" not in text


def test_report_without_ablation(tmp_path):
    found = performance(noise=(0.1, 0.1))
    scores = {0: np.array([0.6, 0.8]), 1: np.array([1.0, 0.0])}
    options = {"threshold": 0.3, "train_samples": 9, "test_samples": 9}
    found = Performance("head", found.blocks, options)
    made = HeadReport(
        name="m & m",
        accuracy=0.5,
        performances={"head": found},
        control={"head": found},
        importance=HeadScores({"importance": scores}, {"samples": 9}),
        ablation=None,
        attention=HeadScores({"distance": scores, "entropy": scores}),
        kept={"random order": {2: 0.5, 1: 0.25}},
        images=np.zeros((1, 4, 4, 1), "uint8"),
        maps=np.full((1, 2, 2), 0.25),
        labels=["a"],
        classes=[*"abc"],
    )
    text = report_page(made, tmp_path)
    assert "What the heads have learned: m &amp; m" in text
    assert "<td>random order</td><td>50.0</td><td>25.0</td>" in text
    assert "<td>1</td><td>0.00 to 1.00</td>" in text
    assert not (tmp_path / "ablation.png").exists()
