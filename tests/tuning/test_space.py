"""The space: what is in it, what is excluded."""

import keras_tuner
import pytest

from cctzoo.models import variant_config
from tuning.hypermodel import CCTHyperModel
from tuning.space import SearchSpace, changes

pytestmark = pytest.mark.one_backend("torch")  # configs; models are built, not run

BASE = variant_config("cct_2_3x2_32", input_shape=(16, 16, 1), classes=10, conv_layers=1)
POINT = {
    "depth": 4,
    "embed_dim": 64,
    "heads": 16,
    "head_profile": "even",
    "head_dim": 0,
    "conv_prefix": 0,
    "prefix_kind": "vgg",
    "prefix_pool": "late",
}


def test_every_point_is_a_model_or_excluded():
    space = SearchSpace(heads=(1, 25, 64), embed_dim=(64, 100), depth=(1, 2, 5))
    known = set()
    for values in space.points():
        if values["conv_prefix"] >= values["depth"]:
            with pytest.raises(ValueError, match=f"depth={values['depth']}"):
                space.config(values, BASE)
        else:
            config = space.config(values, BASE)
            assert len(config.block_heads) == values["depth"] - values["conv_prefix"]
            assert max(config.block_heads) == values["heads"]
            known.add(config)
    assert space.check(BASE) == len(known)


@pytest.mark.parametrize("heads", [4, 25])
def test_points_build(heads):
    space = SearchSpace(depth=(3,), embed_dim=(12,), heads=(heads,), conv_prefix=(0, 1, 2))
    hypermodel = CCTHyperModel(
        space, "cct_2_3x2_32", input_shape=(16, 16, 1), classes=3, mlp_ratio=1
    )
    chosen = {"embed_dim": 12, "depth": 3, "heads": heads, "prefix_kind": "depthwise"}
    for prefix, profile in [(0, "rising"), (1, "falling"), (2, "even")]:
        hp = keras_tuner.HyperParameters()
        hp.values = POINT | chosen | {"conv_prefix": prefix, "head_profile": profile}
        model = hypermodel.build(hp)
        assert model.config == hypermodel.config(hp.values)
        assert model.output_shape == (None, 3)


def test_models_for_texts():
    base = variant_config("text_cct_2_k2", vocabulary_size=50, word_dim=12, length=40, classes=3)
    image = POINT | {"conv_prefix": 2, "prefix_kind": "token_image"}
    config = SearchSpace().config(image, base)
    assert (config.conv_prefix, config.block_pool, config.grid) == (2, (), (21,))
    assert SearchSpace().config(image | {"prefix_pool": "none"}, base) == config
    pooled = SearchSpace().config(image | {"prefix_kind": "vgg", "prefix_pool": "early"}, base)
    assert (pooled.block_pool, pooled.grid) == ((0, 1), (6,))
    with pytest.raises(ValueError, match="prefix_kind='token_image'"):
        SearchSpace(prefix_kind=("token_image",)).config(image, BASE)
    plain = variant_config("text_transformer_2", word_dim=64, embed_dim=64)
    space = SearchSpace(embed_dim=(64, 128), depth=(2,), conv_prefix=(0,), heads=(4,))
    assert space.check(plain) == 3  # the profiles of heads; another width is no model
    found = changes(pooled, base)
    assert (
        variant_config(
            "text_cct_2_k2",
            **found,
            **{
                "vocabulary_size": 50,
                "word_dim": 12,
                "length": 40,
                "classes": 3,
            },
        )
        == pooled
    )


def test_one_token_is_no_model():
    small = variant_config("cct_2_3x2_32", input_shape=(16, 16, 1))  # a map of 4 x 4
    with pytest.raises(ValueError, match=r"more than one token.*conv_prefix=2.*\(4, 4\)"):
        SearchSpace().config(POINT | {"conv_prefix": 2, "prefix_pool": "early"}, small)


@pytest.mark.parametrize(
    ("profile", "blocks", "heads"),
    [
        ("rising", 4, (16, 32, 32, 64)),
        ("falling", 2, (64, 16)),
        ("rising", 1, (64,)),
        ("even", 3, (64, 64, 64)),
    ],
)
def test_heads_of_the_blocks(profile, blocks, heads):
    values = POINT | {"heads": 64, "head_profile": profile, "depth": blocks}
    assert SearchSpace().config(values, BASE).block_heads == heads


def test_heads_that_do_not_divide_the_width():
    space = SearchSpace()
    assert space.config(POINT | {"heads": 25}, BASE).head_dim == (2,) * 4
    assert space.config(POINT | {"heads": 100}, BASE).head_dim == (1,) * 4
    assert space.config(POINT | {"heads": 25, "head_dim": 8}, BASE).head_dim == (8,) * 4
    uneven = POINT | {"heads": 32, "head_profile": "rising", "depth": 2}
    assert space.config(uneven, BASE).head_dim == (8, 2)


@pytest.mark.parametrize(
    "twin",
    [
        {"prefix_kind": "depthwise"},  # of no prefix
        {"prefix_pool": "none"},
        {"head_dim": 4},  # 16 heads of 4 are the width
    ],
)
def test_equal_models_have_equal_configs(twin):
    space = SearchSpace()
    assert space.config(POINT | twin, BASE) == space.config(POINT, BASE)


def test_places_of_pooling():
    values = POINT | {"conv_prefix": 3}
    large = variant_config("cct_7_3x1_32")
    pools = {
        place: SearchSpace().config(values | {"prefix_pool": place}, large).block_pool
        for place in ("late", "early", "none")
    }
    assert pools == {"late": (1, 2), "early": (0, 1), "none": ()}


def test_changes_make_the_config_again():
    config = SearchSpace().config(POINT | {"conv_prefix": 2}, BASE)
    assert (
        variant_config(
            "cct_2_3x2_32",
            **{"input_shape": (16, 16, 1), "classes": 10, "conv_layers": 1} | changes(config, BASE),
        )
        == config
    )


@pytest.mark.parametrize(
    ("choices", "received"),
    [
        ({"heads": ()}, r"heads=\(\)"),
        ({"heads": (4, 0)}, r"heads=\(4, 0\)"),
        ({"depth": (2, 2)}, r"depth=\(2, 2\)"),
        ({"embed_dim": (64.0,)}, r"embed_dim=\(64.0,\)"),
        ({"conv_prefix": (-1,)}, r"conv_prefix=\(-1,\)"),
        ({"prefix_kind": ("dense",)}, "dense"),
        ({"head_profile": ("flat",)}, "flat"),
    ],
)
def test_wrong_choices(choices, received):
    with pytest.raises(ValueError, match=received):
        SearchSpace(**choices)


def test_a_space_without_a_model():
    with pytest.raises(ValueError, match=r"holds no model.*conv_prefix=3, depth=2"):
        CCTHyperModel(SearchSpace(depth=(2,), conv_prefix=(3,)), "cct_2_3x2_32")


def test_a_point_that_is_no_model_fails_its_trial():
    hypermodel = CCTHyperModel(SearchSpace(), "cct_2_3x2_32", input_shape=(16, 16, 1))
    hp = keras_tuner.HyperParameters()
    hp.values = POINT | {"depth": 2, "conv_prefix": 3}
    with pytest.raises(keras_tuner.errors.FailedTrialError, match="conv_prefix=3"):
        hypermodel.build(hp)
