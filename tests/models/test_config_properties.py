"""Every field of a config: NumPy's spelling equals Python's, and odd values are refused clearly."""

import dataclasses
import json
import re

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from cctzoo import limits
from cctzoo.data import View
from cctzoo.models import (
    CCT,
    CCTConfig,
    SoftCommittee,
    TextConfig,
    create_model,
    soft_committee,
    variant_config,
)
from cctzoo.models.size import least_weights
from cctzoo.models.variants import VARIANTS
from cctzoo.weights import load_model, save_weights
from tests.models.small import images, predict, small_model
from tests.odd_values import ODD, check_odd_value, in_numpy

pytestmark = pytest.mark.one_backend("torch")
settings = hypothesis.settings(derandomize=True, deadline=None, max_examples=150, database=None)
EXAMPLES = [
    CCTConfig(
        depth=5,
        embed_dim=24,
        heads=(2, 3),
        head_dim=(4, 5),
        conv_prefix=3,
        prefix_filters=(8, 8, 24),
        prefix_pool=(0, 2),
        mean=(0.25, 0.5, 0.75),
        std=0.25,
        input_shape=(16, 24, 3),
        view=View(crop_pct=0.5),
        pooling="avg",
    ),
    TextConfig(vocabulary=("a", "cat"), vocabulary_size=4, mlp_ratio=1.5, head_dim=7),
]
FIELDS = [(config, field.name) for config in EXAMPLES for field in dataclasses.fields(config)]


@pytest.mark.parametrize("config", EXAMPLES, ids=["images", "texts"])
def test_numpys_spelling_of_each_field_gives_an_equal_config(config):
    fields = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    for name, value in fields.items():
        for spelling in in_numpy(value):
            changed = dataclasses.replace(config, **{name: spelling})
            assert changed == config, (name, spelling)
            assert hash(changed) == hash(config)
            assert json.loads(json.dumps(dataclasses.asdict(changed)))
    everything = {name: in_numpy(value)[0] for name, value in fields.items()}
    assert type(config)(**everything) == config


def test_float32_keeps_its_value():
    assert CCTConfig(dropout=np.float32(0.1)).dropout == pytest.approx(0.1, abs=1e-8)
    assert type(CCTConfig(dropout=np.float32(0.1)).dropout) is float


@settings
@hypothesis.given(strategies.sampled_from(FIELDS), strategies.sampled_from(ODD))
def test_an_odd_value_is_refused_with_its_name_or_gives_a_config(place, value):
    config, name = place
    check_odd_value(lambda: dataclasses.replace(config, **{name: value}), name)


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({"depth": 10**9}, "layers"),
        ({"conv_layers": 10**9}, "layers"),
        ({"embed_dim": 10**6}, "weights"),
        ({"classes": 10**10}, "labels"),
        ({"classes": 10**6, "embed_dim": 4096}, "weights"),
        ({"input_shape": (10**5, 10**5, 3)}, "positions"),
        ({"input_shape": (8000, 8000, 1), "embed_dim": 64}, "positions"),
        ({"heads": 10**9, "head_dim": 1}, "weights"),
        ({"heads": range(10**9)}, "labels"),
        ({"mlp_ratio": 1e308}, "weights"),
        ({"mlp_ratio": 10**300}, "weights"),
        ({"kernel_size": 10**9}, "positions"),
        ({"conv_prefix": 2, "depth": 3, "prefix_filters": (10**6, 128)}, "weights"),
        ({"embed_dim": 2**31}, "weights"),
        ({"depth": 10**5000}, "layers"),
    ],
)
def test_sizes_above_a_limit_are_refused_before_anything_is_made(changes, limit):
    with pytest.raises(ValueError, match=f"the limit `{limit}`.*Received: "):
        create_model("cct_2_3x2_32", **changes)
    fields = dataclasses.asdict(variant_config("cct_2_3x2_32"))
    with pytest.raises(ValueError, match=f"the limit `{limit}`.*Received: "):
        CCT.from_config({"config": fields | changes, "name": "large"})


@pytest.mark.parametrize("name", ["cct_7_999999999x999999_32", "cct_7_3x2_999999999"])
def test_a_name_has_the_limits_too(name):
    with pytest.raises(ValueError, match="the limit `positions`"):
        create_model(name)


@pytest.mark.parametrize(
    "changes",
    [{"vocabulary_size": 10**9}, {"length": 10**9}, {"word_dim": 10**7}, {"length": 2**20}],
)
def test_texts_have_limits(changes):
    with pytest.raises(ValueError, match="the limit `"):
        create_model("text_cct_2_k2", **changes)


def test_a_raised_limit_lets_a_config_pass():
    with limits.raised(layers=3000, weights=2**40):
        assert variant_config("cct_2_3x2_32", depth=3000).depth == 3000


def test_a_committee_has_the_limits_of_one_model():
    model = small_model()
    members = [("cctzoo>CCT", model.get_config())] * 4
    with limits.raised(layers=3), pytest.raises(ValueError, match=r"members.*the limit `layers`"):
        SoftCommittee.from_config({"members": members})
    weights = least_weights(model.config)
    with (
        limits.raised(weights=2 * weights - 1),
        pytest.raises(ValueError, match="the limit `weights`"),
    ):
        soft_committee([model, model])


def test_the_lower_bound_of_the_weights_is_close():
    for row in VARIANTS.values():
        assert 0.98 * row.parameters < least_weights(row.config) <= row.parameters, row.name
    prefix = {"conv_prefix": 1}
    for changes in (prefix, prefix | {"prefix_kind": "depthwise"}, {"mlp_kind": "depthwise"}):
        model = small_model(**changes)
        assert 0.9 < least_weights(model.config) / model.count_params() <= 1


def test_a_model_of_numpys_numbers_is_saved_and_loaded(tmp_path):
    labels = np.array([0, 1, 4])
    model = small_model(
        classes=labels.max() + 1,
        input_shape=np.array([12, 16, 3]),
        mean=np.float32(0.25),
        std=np.array([0.25, 0.5, 0.5], "float32"),
        heads=np.int8(3),
    )
    save_weights(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.config == model.config
    np.testing.assert_array_equal(predict(loaded, images(model)), predict(model, images(model)))
    assert CCT.from_config(json.loads(json.dumps(model.get_config()))).config == model.config


@pytest.mark.parametrize(
    "variant", [None, 7, ["cct_2_3x2_32"], b"cct_2_3x2_32", "cct_2_\u0663x2_32"]
)
def test_a_variant_of_another_type_or_script_is_refused(variant):
    with pytest.raises(ValueError, match=f"Received: variant={re.escape(repr(variant))}"):
        create_model(variant)


@pytest.mark.parametrize(
    "changes",
    [
        {"mean": 1e38},
        {"mean": 1e300},
        {"std": 1e-40},
        {"mean": b"x"},
        {"head_dim": b"x"},
        {"conv_prefix": 2, "prefix_pool": [True]},
        {"conv_prefix": 2, "prefix_pool": [[1]]},
        {"norm": np.array(["cct", "pre"])},
        {"norm": np.array(["cct"])},
        {"view": {"crop": 1}},
    ],
)
def test_values_that_no_model_can_use_are_refused(changes):
    name = [*changes][-1]
    with pytest.raises(ValueError, match=f"`{name}`.*Received: .*{name}="):
        create_model("cct_7_3x1_32", **changes)


@pytest.mark.parametrize("words", [10**9, True, iter("ab"), "ab", b"ab", [1, 2], {"a"}])
def test_a_vocabulary_of_another_type_is_refused(words):
    with pytest.raises(ValueError, match="`vocabulary` must be a sequence of str"):
        create_model("text_cct_2_k2", vocabulary=words)
