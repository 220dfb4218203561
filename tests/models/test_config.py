"""Every rule of `CCTConfig` and of the arguments of `create_model`, with the received values."""

import dataclasses
import re

import keras
import pytest

from cctzoo.layers import ConvTokenizer
from cctzoo.models import CCTConfig, cct_7_3x1_32, create_model
from tests.models.small import small_config, small_model

pytestmark = pytest.mark.one_backend("torch")  # which builds models in the least time

WRONG = [
    ({"family": "swin"}, "family='swin'"),
    ({"prefix_kind": "resnet"}, "prefix_kind='resnet'"),
    ({"positional_embedding": "rotary"}, "positional_embedding='rotary'"),
    ({"norm": "post"}, "norm='post'"),
    *(({"activation": value}, f"activation={value!r}") for value in ("swish", None, 1)),
    ({"pooling": "mean"}, "pooling='mean'"),
    ({"classifier_activation": "relu"}, "classifier_activation='relu'"),
    ({"include_top": 1}, "include_top=1"),
    ({"include_preprocessing": "yes"}, "include_preprocessing='yes'"),
    *(
        ({name: value}, f"{name}={value!r}")
        for name in ("depth", "embed_dim", "kernel_size", "conv_layers", "classes", "heads")
        for value in (0, -1, True, 2.0, "2", None)
    ),
    *(({"head_dim": value}, f"head_dim={value!r}") for value in (0, True, 8.0, "8")),
    *(
        ({name: value}, f"{name}={value!r}")
        for name in ("dropout", "attention_dropout", "stochastic_depth")
        for value in (-0.1, 1, "0.1", True, float("nan"))
    ),
    *(({"mlp_ratio": value}, f"mlp_ratio={value!r}") for value in (0, -2, 0.001, "2", True)),
    ({"family": "cvt", "conv_layers": 2}, "conv_layers=2, family='cvt'"),
    ({"pooling": "token"}, "pooling='token', family='cct'"),
    ({"heads": (4, 0, 4, 4, 4, 4, 4)}, "heads=(4, 0, 4, 4, 4, 4, 4)"),
    ({"heads": (4, True, 4, 4, 4, 4, 4)}, "heads=(4, True, 4, 4, 4, 4, 4)"),
    ({"heads": (4, 4)}, "heads=(4, 4), depth=7, conv_prefix=0"),
    ({"heads": (4,) * 7, "conv_prefix": 3}, "heads=(4, 4, 4, 4, 4, 4, 4), depth=7, conv_prefix=3"),
    ({"heads": 25}, "embed_dim=256, heads=25"),
    ({"heads": (4,) * 6 + (25,)}, "embed_dim=256, heads=(4, 4, 4, 4, 4, 4, 25)"),
    ({"heads": 8, "head_dim": (8,) * 6}, "head_dim=(8, 8, 8, 8, 8, 8), depth=7, conv_prefix=0"),
    ({"depth": 2, "head_dim": (8, 0)}, "head_dim=(8, 0)"),
    *(({"attention": value}, f"attention={value!r}") for value in ("linear", None, 1)),
    (
        {"depth": 3, "attention": ("softmax", "polynomial")},
        "attention=('softmax', 'polynomial'), depth=3, conv_prefix=0",
    ),
    *(
        ({"conv_prefix": value}, f"conv_prefix={value!r}, depth=7")
        for value in (7, 8, -1, True, 1.0, "1")
    ),
    (
        {"conv_prefix": 2, "prefix_filters": (256,)},
        "prefix_filters=(256,), conv_prefix=2, embed_dim=256",
    ),
    (
        {"conv_prefix": 2, "prefix_filters": (256, 128)},
        "prefix_filters=(256, 128), conv_prefix=2, embed_dim=256",
    ),
    (
        {"conv_prefix": 2, "prefix_filters": (0, 256)},
        "prefix_filters=(0, 256), conv_prefix=2, embed_dim=256",
    ),
    ({"conv_prefix": 1, "prefix_filters": 256}, "prefix_filters=256, conv_prefix=1, embed_dim=256"),
    ({"prefix_filters": (256,)}, "prefix_filters=(256,), conv_prefix=0, embed_dim=256"),
    ({"conv_prefix": 2, "prefix_pool": (2,)}, "prefix_pool=(2,), conv_prefix=2"),
    ({"conv_prefix": 2, "prefix_pool": 1}, "prefix_pool=1, conv_prefix=2"),
    *(
        ({"input_shape": value}, f"input_shape={value!r}")
        for value in ((32, 32), 32, (32, 0, 3), (None, None, 3), (32.0, 32, 3), "323")
    ),
    *(
        ({name: value}, f"{name}={value!r}, input_shape=(32, 32, 3)")
        for name in ("mean", "std")
        for value in ((0.5, 0.5), (), "0.5", ("a", "b", "c"), None)
    ),
    ({"std": 0}, "std=0, input_shape=(32, 32, 3)"),
    ({"std": (0.2, 0.2, -0.2)}, "std=(0.2, 0.2, -0.2), input_shape=(32, 32, 3)"),
    (
        {"family": "vit", "kernel_size": 4, "input_shape": (32, 30, 3)},
        "input_shape=(32, 30, 3), kernel_size=4",
    ),
    (
        {"kernel_size": 7, "conv_layers": 2, "input_shape": (15, 32, 3)},
        "input_shape=(15, 32, 3), kernel_size=7, conv_layers=2",
    ),
    ({"input_shape": (2, 32, 3)}, "input_shape=(2, 32, 3), kernel_size=3, conv_layers=1"),
]


@pytest.mark.parametrize(("changes", "received"), WRONG, ids=[received for _, received in WRONG])
def test_rules(changes, received):
    with pytest.raises(ValueError, match=re.escape(f"Received: {received}") + "$") as error:
        CCTConfig(**changes)
    for name in changes.keys() & set(re.findall(r"(\w+)=", received)):
        assert f"`{name}" in str(error.value) or len(changes) > 1, "the rule names the argument"


@pytest.mark.parametrize(
    "changes",
    [
        {"heads": 25, "head_dim": 8},
        {"heads": [4, 16, 64], "conv_prefix": 4},
        {"heads": [4, 16, 25], "head_dim": [64, 16, 3], "conv_prefix": 4},
        {"attention": ["polynomial", "softmax"], "conv_prefix": 5},
        {"conv_prefix": 6},
        {"conv_prefix": 6, "embed_dim": 1, "heads": 1},
        {"conv_prefix": 2, "prefix_filters": [32, 256], "prefix_pool": []},
        {"pooling": "token", "family": "vit", "kernel_size": 4},
        {"mean": [0.1, 0.2, 0.3], "std": (0.2,)},
        {"stochastic_depth": 0, "mlp_ratio": 0.5},
        {"input_shape": [3, 3, 1]},
    ],
)
def test_allowed_values(changes):
    config = CCTConfig(**changes)
    assert hash(config) == hash(CCTConfig(**changes)), "lists become tuples"
    assert CCTConfig(**dataclasses.asdict(config)) == config


def test_derived_values():
    config = CCTConfig(depth=5, heads=2, conv_prefix=3, stochastic_depth=0.4)
    assert config.block_heads == (2, 2)
    assert config.block_attention == ("softmax", "softmax")
    assert config.block_filters == (128, 256, 256)
    assert config.block_pool == (1, 2)
    assert config.stochastic_depth_rates == pytest.approx((0.3, 0.4))
    assert config.grids == [(16, 16), (16, 16), (8, 8), (4, 4)]
    assert CCTConfig(depth=5, stochastic_depth=0.4).stochastic_depth_rates[0] == 0


@pytest.mark.parametrize(
    ("changes", "filters", "pool", "grid"),
    [
        ({"conv_prefix": 0}, (), (), (16, 16)),
        ({"conv_prefix": 1}, (256,), (0,), (8, 8)),
        ({"conv_prefix": 5}, (128, 128, 128, 256, 256), (3, 4), (4, 4)),
        ({"conv_prefix": 3, "conv_layers": 2}, (128, 256, 256), (2,), (4, 4)),
        ({"conv_prefix": 3, "input_shape": (64, 18, 3)}, (128, 256, 256), (2,), (16, 4)),
        ({"conv_prefix": 3, "input_shape": (12, 64, 3)}, (128, 256, 256), (), (6, 32)),
        ({"conv_prefix": 2, "prefix_pool": ()}, (256, 256), (), (16, 16)),
    ],
)
def test_default_prefix(changes, filters, pool, grid):
    config = CCTConfig(**changes)
    assert (config.block_filters, config.block_pool, config.grid) == (filters, pool, grid)


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("sides", [(17, 22), (19, 16)])
def test_grids_equal_the_layers_output(kernel_size, sides):
    """The config computes the shapes that the tokenizer has."""
    config = small_config(kernel_size=kernel_size, conv_layers=2, input_shape=(*sides, 3))
    layer = ConvTokenizer(config.embed_dim, kernel_size, conv_layers=2)
    assert layer(keras.Input((*sides, 3))).shape == (None, *config.grid, 24)


@pytest.mark.parametrize(
    ("variant", "near"),
    [
        ("cct_7_3x1_32x", "cct_7_3x1_32"),
        ("cct_lsmah", "cct_lsmha"),
        ("cct_9_3x1_32", "cct_7_3x1_32"),
        ("cvt_7_4x1_32", "cvt_7_4_32"),
        ("cct_7_3_32", "cct_7_3x2_32"),
    ],
)
def test_unknown_variant(variant, near):
    with pytest.raises(ValueError, match=f"Did you mean: .*{near}.*Received: variant='{variant}'"):
        create_model(variant)


@pytest.mark.parametrize("factory", [cct_7_3x1_32, lambda **k: create_model("cct_7_3x1_32", **k)])
def test_unknown_keyword(factory):
    with pytest.raises(ValueError, match=r"Did you mean: heads\b.*Received: head=64"):
        factory(head=64)
    with pytest.raises(ValueError, match="Received: zzz=1") as error:
        factory(zzz=1)
    assert "Did you mean" not in str(error.value)


def test_factories_check_values():
    with pytest.raises(ValueError, match="Received: embed_dim=256, heads=25"):
        cct_7_3x1_32(heads=25)


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("none.weights.h5", "exists"),
        ("none.keras", "exists"),
        ("some.zip", ".weights.h5 or .keras"),
    ],
)
def test_wrong_weights_path(path, rule, tmp_path):
    (tmp_path / "some.zip").touch()
    path = str(tmp_path / path)
    with pytest.raises(ValueError, match=f"{rule}.*Received: weights='{re.escape(path)}'"):
        create_model("cct_2_3x2_32", weights=path)


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_weights_path(suffix, tmp_path):
    source = small_model()
    path = tmp_path / f"small{suffix}"
    (source.save if suffix == ".keras" else source.save_weights)(path)
    changes = {name: getattr(source.config, name) for name in dataclasses.asdict(source.config)}
    model = create_model("cct_2_3x2_32", weights=path, **changes)
    for weight, expected in zip(model.get_weights(), source.get_weights(), strict=True):
        assert (weight == expected).all()
