"""Fields of recipes and their parts: NumPy's spelling equals Python's, odd values are refused."""

import dataclasses
import json

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from cctzoo import analysis, limits
from cctzoo.data import Augmentation, View
from cctzoo.training import Recipe
from tests.odd_values import ODD, check_odd_value, in_numpy
from tuning.latency import EdgeLatency
from tuning.plan import LatencyObjective
from tuning.space import SearchSpace

pytestmark = pytest.mark.one_backend("torch")
settings = hypothesis.settings(derandomize=True, deadline=None, max_examples=200, database=None)
EXAMPLES = [
    Recipe(
        changes={"depth": 3, "heads": (2, 4, 8), "mlp_ratio": 1.5},
        train_samples=5,
        ema=0.5,
        clip_norm=1.0,
        image_size=(96, 128),
    ),
    Augmentation(crop_scale=(0.5, 1.0), policy="randaugment", mixing_epochs=3, flip=True),
    View(crop_pct=0.5),
    SearchSpace(depth=(2, 5)),
    LatencyObjective(target_ms=2.5),
    EdgeLatency(cache="cache", threads=2),
    analysis.ProbeOptions(least_evidence=4.0),
]
FIELDS = [(example, field.name) for example in EXAMPLES for field in dataclasses.fields(example)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_numpys_spelling_of_each_field_gives_an_equal_object(example):
    for field in dataclasses.fields(example):
        for spelling in in_numpy(getattr(example, field.name)):
            changed = dataclasses.replace(example, **{field.name: spelling})
            assert changed == example, (field.name, spelling)
            assert json.dumps(dataclasses.asdict(changed))


def test_numbers_within_changes_become_plain(tmp_path):
    heads = np.array([2, 4])
    recipe = Recipe(changes={"heads": heads, "mean": np.float32(0.25), "depth": np.int64(2)})
    assert recipe == Recipe(changes={"heads": (2, 4), "mean": 0.25, "depth": 2})
    recipe.save(tmp_path / "recipe.json")
    assert Recipe.load(tmp_path / "recipe.json") == recipe


@settings
@hypothesis.given(strategies.sampled_from(FIELDS), strategies.sampled_from(ODD))
def test_an_odd_value_is_refused_with_its_name_or_gives_an_object(place, value):
    example, name = place
    named = "" if name == "changes" else name  # errors name the field that changes
    check_odd_value(lambda: dataclasses.replace(example, **{name: value}), named)


@pytest.mark.parametrize(
    ("make", "limit"),
    [
        (lambda: Recipe(changes={"depth": 10**9}), "layers"),
        (lambda: Recipe(changes={"conv_layers": 10**9}), "layers"),
        (lambda: Recipe(image_size=10**6), "positions"),
        (lambda: Augmentation(operations=10**18), "layers"),
        (lambda: Augmentation(crop_padding=10**18), "positions"),
        (lambda: SearchSpace(depth=[10**9]), "layers"),
        (lambda: SearchSpace(embed_dim=[10**12]), "weights"),
        (lambda: SearchSpace(heads=range(1, 1000), embed_dim=range(1, 1000)), "points"),
        (lambda: SearchSpace(heads=range(1, 10**9)), "labels"),
    ],
)
def test_sizes_above_a_limit_are_refused(make, limit):
    with pytest.raises(ValueError, match=f"the limit `{limit}`.*Received: "):
        make()


def test_a_raised_limit_lets_a_recipe_and_a_space_pass():
    with limits.raised(layers=2000, points=10**8, weights=2**40):
        assert Recipe(changes={"depth": 1500}).config().depth == 1500
        assert SearchSpace(depth=[1500]).depth == (1500,)
        SearchSpace(heads=range(1, 300), embed_dim=range(1, 300))


@pytest.mark.parametrize("fields", [{"epochs": 10**18}, {"batch_size": 2**31}])
def test_counts_have_32_bits(fields):
    with pytest.raises(ValueError, match="must be at most 2147483647"):
        Recipe(**fields)
