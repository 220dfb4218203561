"""The convolutional networks that the benchmarks compare the zoo with."""

import runpy
import sys
from pathlib import Path

import pytest

from cctzoo import data
from tests.training.few import few_digits

BENCHMARKS = Path(__file__).parents[3] / "recipes" / "benchmarks"
pytestmark = pytest.mark.one_backend("torch")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    return runpy.run_path(str(BENCHMARKS / "convolutional.py"))


# The authors count 0.27 M (ResNet-20); 2.24 M and a classifier of 1,280 x 10 (MobileNetV2).
@pytest.mark.parametrize(
    ("name", "parameters"),
    [("resnet_20", 274_042), ("mobilenet_v2", 2_270_794), ("mobilenet_v2_half", 719_034)],
)
def test_size(script, name, parameters):
    model = script["NETS"][name](10, [0.5] * 3, [0.25] * 3)
    assert model.count_params() == parameters
    assert model.output_shape == (None, 10)


def test_a_run_is_resumed_and_not_repeated(script, tmp_path, monkeypatch):
    recipe = few_digits(color_mode=None, changes={})
    digits = recipe.load_data()
    trained = script["trained"]
    coloured = data.Dataset(
        **{
            name: getattr(digits, name)
            for name in ("name", "classes", "y_train", "y_validation", "y_test", "kind")
        },
        **{
            name: getattr(digits, name).repeat(2, 1).repeat(2, 2).repeat(3, 3)
            for name in ("x_train", "x_validation", "x_test")
        },
    )
    first = trained("resnet_20", recipe, coloured, tmp_path / "run")
    assert first["parameters"] == 274_042
    monkeypatch.setitem(trained.__globals__, "fit", None)  # trains no more
    assert trained("resnet_20", recipe, coloured, tmp_path / "run") == first
    (tmp_path / "run/report.json").unlink()
    with pytest.raises(TypeError, match="not callable"):
        trained("resnet_20", recipe, coloured, tmp_path / "run")
    script["write_json"](tmp_path / "run/report.json", first)
    with pytest.raises(ValueError, match="same recipe"):
        trained("mobilenet_v2", recipe, coloured, tmp_path / "run")
