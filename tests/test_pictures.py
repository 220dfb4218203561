"""The pictures of the documentation come from configs, tables and models, and are complete."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from cctzoo import data, models

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SMALLEST = 9.9  # points, in a picture 11 inches wide that is shown at half of its size

pytestmark = pytest.mark.one_backend("torch")


@pytest.fixture
def module(monkeypatch):
    """Imports a script of the folder by its name."""
    monkeypatch.syspath_prepend(str(IMAGES))
    return importlib.import_module


def texts(figure):
    from matplotlib.text import Text

    figure.draw_without_rendering()
    return [each for each in figure.findobj(Text) if each.get_text() and each.get_visible()]


def test_each_picture_is_stored_as_svg_and_png_on_an_opaque_background(module):
    for name in module("draw").PICTURES:
        svg = (IMAGES / f"{name}.svg").read_text()
        assert re.search(r'id="patch_1">\s*<path [^>]*style="fill: #ffffff', svg), name
        assert (IMAGES / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_picture_is_named(module, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["draw.py", "architekture"])
    with pytest.raises(SystemExit):
        module("draw").main()
    assert "no such picture: architekture" in capsys.readouterr().err


def test_numbers_of_the_architecture_are_those_of_the_config(module):
    config, others = models.variant_config("cct_conv"), models.variant_config("cct_lsmha")
    architecture = module("draw_architecture")
    figure, model = architecture.draw(), architecture.model()
    written = " ".join(each.get_text() for each in texts(figure)).replace("\n", " ")
    for number in (
        f"{config.tokens} tokens x {config.embed_dim}",
        f"{config.heads} heads {config.embed_dim // config.heads} wide",
        f"blocks {config.conv_prefix}-{config.depth - 1}",
        f"{config.classes} classes",
        f"{model.count_params() / 1e6:.1f} M parameters",
        f"{models.multiply_accumulates(config) / 1e6:.0f} M multiply-accumulates",
        f"{others.tokens} tokens, {models.multiply_accumulates(others) / 1e6:,.0f} M",
    ):
        assert number in written
    tokenizer = models.feature_extractor(model, ["tokenizer"]).output["tokenizer"]
    assert "{} x {} x {}".format(*tokenizer.shape[1:]) in written


def test_latency_of_attention_is_that_of_the_tables(module):
    page = (IMAGES.parent / "polynomial-attention.md").read_text()
    rows = re.findall(r"^\| (?:softmax|polynomial) \| (.+) \|$", page, re.MULTILINE)[:4]
    panels = module("draw_latency").draw_attention().axes
    drawn = [line.get_ydata() for axes in panels for line in axes.lines]
    expected = [[float(cell) for cell in row.split(" | ")] for row in rows]
    assert [list(values) for values in drawn] == expected
    assert [len(values) for values in expected] == [5, 5, 3, 3]


def test_accuracies_by_heads_are_those_of_the_tables(module):
    page = (IMAGES.parent / "polynomial-attention.md").read_text()
    section = page.split("## Measured: accuracy\n")[1].split("## Measured: heads\n")[0]
    found = re.findall(r"^\| \d+ \| ([\d.]+) ± [\d.]+ % \| ([\d.]+) ±", section, re.MULTILINE)
    images, noisy, early = module("draw_claims").draw().axes
    drawn = [
        [float(value) for value in container[0].get_ydata()]
        for axes in (images, noisy)
        for container in axes.containers
    ]
    softmax, polynomial = (list(map(float, column)) for column in zip(*found[:7], strict=True))
    assert drawn == [softmax[:4], polynomial[:4], softmax[4:], polynomial[4:]]
    assert [len(line.get_xdata()) for line in early.lines] == [15, 15, 15]


def test_accuracy_and_latency_are_those_of_the_table(module):
    page = (IMAGES.parent / "benchmarks" / "latency.md").read_text()
    section = page.split("## Accuracy against latency\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| .+ \| ([\d.]+) %.* \| ([\d.]+) \| ([\d.]+) \|$", section, re.MULTILINE)
    panels = module("draw_accuracy").draw().axes
    for axes, column in zip(panels, (1, 2), strict=True):
        drawn = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines]
        assert drawn == [(float(row[column]), float(row[0])) for row in rows]
        assert len(drawn) == 8


def test_blocks_are_those_of_the_table(module):
    page = (IMAGES.parent / "benchmarks" / "heads.md").read_text()
    lines = page.split("| CCT-7/3x1 ")[1].split("\n\n")[0].splitlines()
    rows = [list(map(float, re.findall(r"[\d.]+", line)))[:6] for line in lines]
    assert [row[:2] for row in rows] == [[heads, block] for heads in (4, 64) for block in range(7)]
    accuracy, snr, _ = module("draw_blocks").draw().axes
    for axes, column in ((accuracy, 2), (snr, 4)):
        lines = np.transpose(np.reshape(rows, (2, 7, 6))[..., column : column + 2], (0, 2, 1))
        drawn = [line.get_ydata() for line in axes.lines[:4]]
        np.testing.assert_array_equal(drawn, lines.reshape(4, 7))


def test_heads_are_drawn_before_and_after_training(module, monkeypatch):
    heads = module("draw_heads")
    digits = data.load("digits")
    model = models.cct_2_3x2_32(weights="digits")
    trained = model.get_weights()
    fresh = models.CCT(model.config).get_weights()
    weights = {"before training": fresh, "after training": trained}
    monkeypatch.setattr(heads, "trained_model", lambda: (model, weights, digits, 0.975))
    monkeypatch.setattr(heads, "SAMPLES", (60, 40))
    before, after = heads.performances().values()
    assert after.accuracy > before.accuracy
    figure = heads.draw_shp()
    left, right = figure.axes[:2]
    order = [int(tick.get_text()) for tick in right.get_yticklabels()]
    head = heads.typical_head(after)
    drawn = np.asarray(right.images[0].get_array())
    np.testing.assert_allclose(drawn, after.normalised[head][np.ix_(order, order)])
    assert left.get_title() == f"head {head} before training"
    rollout = heads.draw_rollout()
    assert len(rollout.axes) == 3 * 10
    assert not np.allclose(
        rollout.axes[10].images[1].get_array(), rollout.axes[20].images[1].get_array()
    )


@pytest.mark.parametrize(
    ("script", "draw"),
    [
        ("draw_accuracy", "draw"),
        ("draw_architecture", "draw"),
        ("draw_blocks", "draw"),
        ("draw_claims", "draw"),
        ("draw_latency", "draw"),
        ("draw_latency", "draw_attention"),
        ("draw_polynomial", "draw"),
    ],
)
def test_text_is_readable_at_half_size(module, script, draw):
    figure = getattr(module(script), draw)()
    assert figure.get_figwidth() == 11
    assert min(each.get_fontsize() for each in texts(figure)) >= SMALLEST
