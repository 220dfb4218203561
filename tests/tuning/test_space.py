"""SearchSpace: the choices, the points, and the config of a point."""

import pytest

from cctzoo.models import CCT, variant_config
from tuning.space import SearchSpace, point_config

pytestmark = pytest.mark.one_backend("torch")  # models are built, not run

BASE = variant_config("cct_2_3x2_32", input_shape=(16, 16, 1), classes=10, conv_layers=1)
POINT = {
    "depth": 4,
    "embed_dim": 64,
    "heads": 16,
    "head_profile": "even",
    "head_dim": 0,
    "attention": "softmax",
    "mlp_kind": "dense",
    "conv_prefix": 0,
    "prefix_kind": "vgg",
    "prefix_pool": "late",
}


def test_every_point_has_a_model_or_an_error():
    space = SearchSpace(heads=(1, 25, 64), embed_dim=(64, 100), depth=(1, 2, 5))
    known = set()
    for values in space.points():
        if values["conv_prefix"] >= values["depth"]:
            with pytest.raises(ValueError, match=f"depth={values['depth']}"):
                point_config(values, BASE)
        else:
            config = point_config(values, BASE)
            assert len(config.block_heads) == values["depth"] - values["conv_prefix"]
            assert max(config.block_heads) == values["heads"]
            known.add(config)
    assert space.count_models(BASE) == len(known)


@pytest.mark.parametrize("heads", [4, 25])
def test_models_of_points(heads):
    base = variant_config("cct_2_3x2_32", input_shape=(16, 16, 1), classes=3, mlp_ratio=1)
    point = POINT | {"embed_dim": 12, "depth": 3, "heads": heads, "prefix_kind": "depthwise"}
    for prefix, profile in [(0, "rising"), (1, "falling"), (2, "even")]:
        values = point | {"conv_prefix": prefix, "head_profile": profile}
        model = CCT(point_config(values, base))
        assert model.output_shape == (None, 3)


def test_attention():
    choices = {"depth": (2,), "embed_dim": (16,), "heads": (4,)}
    both = SearchSpace(**choices, attention=("softmax", "polynomial"))
    assert both.count_models(BASE) == 2 * SearchSpace(**choices).count_models(BASE)
    values = POINT | {"attention": "polynomial", "conv_prefix": 2}
    assert point_config(values, BASE).block_attention == ("polynomial",) * 2
    with pytest.raises(ValueError, match="attention=\\('linear',\\)"):
        SearchSpace(attention=("linear",))


def test_mlp_kind():
    choices = {"depth": (2,), "embed_dim": (16,), "heads": (4,)}
    both = SearchSpace(**choices, mlp_kind=("dense", "depthwise"))
    assert both.count_models(BASE) == 2 * SearchSpace(**choices).count_models(BASE)
    assert point_config(POINT | {"mlp_kind": "depthwise"}, BASE).mlp_kind == "depthwise"
    with pytest.raises(ValueError, match="mlp_kind=\\('wide',\\)"):
        SearchSpace(mlp_kind=("wide",))


def test_text_models():
    base = variant_config("text_cct_2_k2", vocabulary_size=50, word_dim=12, length=40, classes=3)
    image = POINT | {"conv_prefix": 2, "prefix_kind": "token_image"}
    config = point_config(image, base)
    assert (config.conv_prefix, config.block_pool, config.grid) == (2, (), (21,))
    assert point_config(image | {"prefix_pool": "none"}, base) == config
    pooled = point_config(image | {"prefix_kind": "vgg", "prefix_pool": "early"}, base)
    assert (pooled.block_pool, pooled.grid) == ((0, 1), (6,))
    with pytest.raises(ValueError, match="prefix_kind='token_image'"):
        point_config(image, BASE)
    plain = variant_config("text_transformer_2", word_dim=64, embed_dim=64)
    space = SearchSpace(embed_dim=(64, 128), depth=(2,), conv_prefix=(0,), heads=(4,))
    assert space.count_models(plain) == 3  # the head profiles; width 128 has no model


def test_attention_needs_more_than_one_token():
    small = variant_config("cct_2_3x2_32", input_shape=(16, 16, 1))  # a map of 4 x 4
    with pytest.raises(ValueError, match=r"more than one token.*conv_prefix=2.*\(4, 4\)"):
        point_config(POINT | {"conv_prefix": 2, "prefix_pool": "early"}, small)


@pytest.mark.parametrize(
    ("profile", "blocks", "heads"),
    [
        ("rising", 4, (16, 32, 32, 64)),
        ("falling", 2, (64, 16)),
        ("rising", 1, (64,)),
        ("even", 3, (64, 64, 64)),
    ],
)
def test_head_profiles(profile, blocks, heads):
    values = POINT | {"heads": 64, "head_profile": profile, "depth": blocks}
    assert point_config(values, BASE).block_heads == heads


def test_heads_that_do_not_divide_the_width():
    assert point_config(POINT | {"heads": 25}, BASE).head_dim == (2,) * 4
    assert point_config(POINT | {"heads": 100}, BASE).head_dim == (1,) * 4
    assert point_config(POINT | {"heads": 25, "head_dim": 8}, BASE).head_dim == (8,) * 4
    uneven = POINT | {"heads": 32, "head_profile": "rising", "depth": 2}
    assert point_config(uneven, BASE).head_dim == (8, 2)


@pytest.mark.parametrize(
    "twin",
    [
        {"prefix_kind": "depthwise"},  # there is no prefix
        {"prefix_pool": "none"},
        {"head_dim": 4},  # 16 heads of width 4 make embed_dim
    ],
)
def test_equal_models_have_equal_configs(twin):
    assert point_config(POINT | twin, BASE) == point_config(POINT, BASE)


def test_prefix_pool():
    values = POINT | {"conv_prefix": 3}
    large = variant_config("cct_7_3x1_32")
    pools = {
        place: point_config(values | {"prefix_pool": place}, large).block_pool
        for place in ("late", "early", "none")
    }
    assert pools == {"late": (1, 2), "early": (0, 1), "none": ()}


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
def test_invalid_choices(choices, received):
    with pytest.raises(ValueError, match=received):
        SearchSpace(**choices)


def test_a_space_without_a_model():
    with pytest.raises(ValueError, match=r"has no model.*conv_prefix=3, depth=2"):
        SearchSpace(depth=(2,), conv_prefix=(3,)).count_models(BASE)
