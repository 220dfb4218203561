"""The named variants: pinned sizes, grammar of the names, table, stub file."""

import inspect
import math
import re
import runpy
from dataclasses import fields

import keras
import pytest

from cctzoo import models, zoo
from cctzoo.models import create_model, list_models, model_table, multiply_accumulates, variants
from cctzoo.models.encoder_config import EncoderConfig
from cctzoo.models.variants import VARIANTS, config_from_name, variant_config
from tests.models import stubs
from tests.models.small import small_config

pytestmark = pytest.mark.one_backend("torch")  # which builds models in the least time
# Counted from the authors' code: variant, classes, trainable parameters, GMACs.
PUBLISHED = [
    ("cct_2_3x2_32", 10, 283_723, 0.0353),
    ("cct_4_3x2_32", 10, 482_123, 0.0500),
    ("cct_6_3x1_32", 10, 3_233_803, 1.0138),
    ("cct_6_3x2_32", 10, 3_326_923, 0.2535),
    ("cct_7_3x1_32", 10, 3_760_139, 1.1816),
    ("cct_7_3x1_32", 100, 3_783_269, 1.1816),
    ("cct_7_3x2_32", 10, 3_853_259, 0.2891),
    ("cct_7_7x2_224", 102, 4_573_735, 1.6046),
    ("cct_14_7x2_224", 1000, 22_367_273, 5.5219),
    ("cct_14_7x2_384", 1000, 22_513_193, 18.5803),
    ("cvt_2_4_32", 10, 214_539, None),
    ("cvt_4_4_32", 10, 412_939, None),
    ("cvt_6_4_32", 10, 3_190_283, None),
    ("cvt_7_4_32", 10, 3_716_619, None),
    ("vit_2_4_32", 10, 214_666, None),
    ("vit_4_4_32", 10, 413_066, None),
    ("vit_6_4_32", 10, 3_190_538, None),
    ("vit_7_4_32", 10, 3_716_874, None),
]

# The authors' table of text models (AG News): million parameters without the word vectors.
PUBLISHED_TEXT = [
    ("text_cct_2_k1", 0.238),
    ("text_cct_2_k2", 0.276),
    ("text_cct_2_k4", 0.353),
    ("text_cct_4_k1", 0.436),
    ("text_cct_4_k2", 0.475),
    ("text_cct_4_k4", 0.551),
    ("text_cct_6_k1", 3.237),
    ("text_cct_6_k2", 3.313),
    ("text_cct_6_k4", 3.467),
]


@pytest.fixture(scope="module")
def count():
    """Counts the trainable parameters of a variant with its default classes; cached."""
    counts = {}

    def count(variant):
        if variant not in counts:
            with keras.StatelessScope(initialize_variables=False):  # shapes without values
                weights = create_model(variant).trainable_variables
            counts[variant] = sum(math.prod(weight.shape) for weight in weights)
            keras.utils.clear_session()
        return counts[variant]

    return count


@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_of_every_row(variant, count):
    assert count(variant) == VARIANTS[variant].parameters


@pytest.mark.parametrize(("variant", "classes", "parameters", "gmacs"), PUBLISHED)
def test_published_sizes(variant, classes, parameters, gmacs, count):
    row = VARIANTS[variant]
    classifier = (row.config.embed_dim + 1) * (classes - row.classes)
    assert count(variant) + classifier == parameters
    if gmacs:
        macs = multiply_accumulates(variant_config(variant, classes=classes))
        assert round(macs / 1e9, 4) == gmacs


@pytest.mark.parametrize(("variant", "millions"), PUBLISHED_TEXT)
def test_published_sizes_of_text_models(variant, millions, count):
    config = VARIANTS[variant].config
    assert config.classes == 4
    words = config.vocabulary_size * config.word_dim
    assert round((count(variant) - words) / 1e6, 3) == millions


def test_every_published_variant_is_listed():
    assert {row[0] for row in PUBLISHED} <= set(VARIANTS)


def test_macs_of_a_prefix():
    """12 places of 64 to 12 channels, then 2 of 12 to 24, then one encoder block on them."""
    tokenizer = 6 * 8 * 7**2 * 3 * 64
    encoder = 2 * 24 * (72 + 24) + 2 * 2**2 * 24 + 2 * 2 * 24 * 48  # attention, MLP
    rest = tokenizer + encoder + 2 * 2 * 24 + 24 * 5  # pooling, classifier
    kinds = {
        "vgg": 12 * 9 * 64 * 12 + 2 * 9 * 12 * 24,
        "depthwise": 12 * (64 * 256 + 9 * 256 + 256 * 12) + 2 * (12 * 48 + 9 * 48 + 48 * 24),
    }
    for kind, prefix in kinds.items():
        config = small_config(
            depth=3, conv_prefix=2, prefix_kind=kind, prefix_filters=(12, 24), prefix_pool=(1,)
        )
        assert multiply_accumulates(config) == rest + prefix


def test_macs_of_polynomial_attention():
    """In two blocks: 48 tokens in heads of 3 are linear; 12 in one of 24 take the scores."""
    linear = 2 * 48 * 8 * 4**2
    for changes, saved in [
        ({"heads": 8, "kernel_size": 3}, 2 * 48**2 * 24 - linear),
        ({"heads": 1, "kernel_size": 7}, 0),
    ]:
        softmax, mixed, polynomial = (
            multiply_accumulates(small_config(attention=attention, **changes))
            for attention in ("softmax", ("softmax", "polynomial"), "polynomial")
        )
        assert (softmax - mixed, softmax - polynomial) == (saved, 2 * saved)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_a_function(variant):
    """The function has the fields of the row as defaults."""
    function = getattr(models, variant)
    assert function.__name__ == variant
    assert variant in models.__all__
    assert f"{VARIANTS[variant].parameters:,}" in function.__doc__
    parameters = inspect.signature(function).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    config = VARIANTS[variant].config
    assert defaults == {
        "weights": None,
        "pretrained": False,
        "name": None,
        "dtype": None,
        **{field.name: getattr(config, field.name) for field in fields(config)},
    }


def test_function_builds_its_variant():
    model = models.cct_lsmha(depth=2, input_shape=(16, 16, 3), name="other")
    assert model.name == "other"
    assert model.config == variant_config("cct_lsmha", depth=2, input_shape=(16, 16, 3))
    assert model.config.heads == 64


def test_unlisted_name_of_the_grammar():
    model = create_model("cct_8_3x1_48", depth=1)
    assert model.name == "cct_8_3x1_48"
    assert model.input_shape == (None, 48, 48, 3)
    assert model.config.tokens == 24 * 24


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cct_8_3x1_48", ("cct", 8, 256, 4, 2, 3, 1, 48, "learnable")),
        ("cct_14_7x2_384_sine", ("cct", 14, 384, 6, 3, 7, 2, 384, "sine")),
        ("cvt_2_8_64", ("cvt", 2, 128, 2, 1, 8, 1, 64, "learnable")),
        ("vit_6_4_32_sine", ("vit", 6, 256, 4, 2, 4, 1, 32, "sine")),
    ],
)
def test_grammar(name, expected):
    config = config_from_name(name)
    names = ["family", "depth", "embed_dim", "heads", "mlp_ratio", "kernel_size", "conv_layers"]
    found = (*(getattr(config, key) for key in names), config.input_shape[0])
    assert (*found, config.positional_embedding) == expected
    assert config.input_shape[1:] == (expected[7], 3)


def test_each_config_is_built_once(monkeypatch):
    built = []
    check = EncoderConfig._check_values
    monkeypatch.setattr(
        EncoderConfig, "_check_values", lambda config: (built.append(config), check(config))
    )
    rows = runpy.run_path(variants.__file__)["VARIANTS"]  # as at import
    monkeypatch.setattr(zoo, "VARIANTS", rows)
    for variant in rows:
        zoo.factory(variant)
    assert len(built) == len(rows)
    models.variant_config("cct_14_3x1_64", heads=12)
    assert len(built) == len(rows) + 1


def test_stub_is_current():
    message = "Run `python -m tests.models.stubs`"
    assert stubs.STUB.read_text(encoding="utf-8") == stubs.stub(), message


def test_list_models():
    assert list_models() == list(VARIANTS)
    assert list_models("vit_*") == ["vit_2_4_32", "vit_4_4_32", "vit_6_4_32", "vit_7_4_32"]
    assert list_models("cct_14_7x2_???") == ["cct_14_7x2_224", "cct_14_7x2_384"]
    assert list_models("resnet*") == []
    with pytest.raises(ValueError, match=r"`exclude` must hold str alone.*Received: exclude="):
        list_models(exclude={1})
    with pytest.raises(ValueError, match=r"`pattern` must be a str or a sequence.*Received"):
        list_models(3)


def test_model_table():
    header, *lines = model_table("cct_[7l]*").splitlines()
    assert [line.split()[0] for line in lines] == list_models("cct_[7l]*")
    assert len({len(line) for line in (header, *lines)}) == 1
    lsmha = next(line for line in lines if line.startswith("cct_lsmha"))
    expected = r"cct_lsmha +32x32 +100 +256 +256 +7 +64 +0 +3,783,269 +1\.1816"
    assert re.fullmatch(expected, lsmha)
    words = "model input classes tokens width blocks heads prefix parameters GMACs"
    assert header.split() == words.split()
