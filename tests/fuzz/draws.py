"""Random configurations: valid ones, the same in NumPy's numbers, and wrong ones."""

import dataclasses
import decimal
import fractions
import random
from typing import Any

import numpy as np

from cctzoo.data import View
from cctzoo.layers.functional import stride_and_padding
from cctzoo.models import CCTConfig, TextConfig
from cctzoo.models.encoder_config import EncoderConfig
from cctzoo.settings import options

# Few sizes: every backend compiles or caches per shape.
WIDTHS = (4, 8, 16, 24)
SIDES = (8, 12, 16)
CLASSES = (2, 3, 5)
POLICIES = ("float32", "mixed_bfloat16", "mixed_float16", "bfloat16", "float16", "float64")
IMAGE_FIELDS = tuple(field.name for field in dataclasses.fields(CCTConfig))
TEXT_FIELDS = tuple(field.name for field in dataclasses.fields(TextConfig))


@dataclasses.dataclass(frozen=True)
class Draw:
    """The arguments of `create_model`."""

    variant: Any
    fields: dict[str, Any]
    dtype: str | None = None

    def __str__(self) -> str:
        items = "".join(f", {name}={value!r:.100}" for name, value in self.fields.items())
        dtype = "" if self.dtype is None else f", dtype={self.dtype!r}"
        return f"create_model({self.variant!r:.100}{dtype}{items})"


def valid(numbers: random.Random) -> Draw:
    """A configuration that must work."""
    dtype = numbers.choice(POLICIES) if numbers.random() < 0.4 else None
    draw = texts(numbers) if numbers.random() < 0.3 else images(numbers)
    return dataclasses.replace(draw, dtype=dtype)


def images(numbers: random.Random, **fixed: Any) -> Draw:
    """A valid image model; the `fixed` fields have these values."""
    choice, chance = numbers.choice, numbers.random
    family = choice(("cct", "cct", "cvt", "vit"))
    fields: dict[str, Any] = {}
    if family == "cct":
        fields["kernel_size"] = kernel = choice((1, 2, 3, 4, 7))
        layers = choice((1, 2))
        while (2 * stride_and_padding(kernel)[0]) ** layers > max(SIDES):
            layers -= 1
        fields["conv_layers"] = layers
        least = max((2 * stride_and_padding(kernel)[0]) ** layers, kernel)
        sides = [side for side in SIDES if side >= least]
    else:
        fields["kernel_size"] = kernel = choice((2, 4))
        sides = list(SIDES)
    channels = choice((1, 2, 3, 3, 3))
    fields["input_shape"] = fixed.get("input_shape", (choice(sides), choice(sides), channels))
    channels = fields["input_shape"][2]
    fields |= encoder(numbers, ("vgg", "depthwise"), widening=True)
    tokens = ("token",) if family == "vit" else ()
    if tokens:
        fields.pop("mlp_kind", None)  # a class token has no neighbours
    fields |= tops(numbers, ("sequence", "avg", "max", *tokens))
    if chance() < 0.3:
        fields["include_preprocessing"] = choice((True, False))
    for name, values in {"mean": (0.25, 0.5, 0.0), "std": (0.25, 0.5, 1.0)}.items():
        if chance() < 0.3:
            several = [choice(values) for _ in range(channels)]
            fields[name] = choice((choice(values), several))
    if channels != 2 and chance() < 0.2:
        fields["view"] = View(crop_pct=choice((0.5, 1.0)), orient=choice((True, False)))
    names = {"cct": "cct_2_3x2_32", "cvt": "cvt_2_4_32", "vit": "vit_2_4_32"}
    return Draw(names[family], fields | fixed)


def texts(numbers: random.Random) -> Draw:
    """A valid text model."""
    choice, chance = numbers.choice, numbers.random
    family = choice(("text_cct", "text_cvt", "text_vit", "text_transformer"))
    fields: dict[str, Any] = {"length": choice((5, 9, 12)), "vocabulary_size": choice((4, 11))}
    fields |= encoder(numbers, ("vgg", "depthwise", "token_image"), widening=False)
    if family == "text_transformer":
        fields["word_dim"] = fields["embed_dim"]
    else:
        fields |= {"word_dim": choice((3, 6)), "kernel_size": choice((1, 2, 4))}
    words = chance() < 0.3
    if words:
        fields["vocabulary"] = [f"w{i}" for i in range(fields["vocabulary_size"] - 2)]
    elif chance() < 0.3:
        fields["padding_id"] = choice((None, 0, fields["vocabulary_size"] - 1))
    tokens = ("token",) if family in TextConfig.CLASS_TOKEN else ()
    if tokens:
        fields.pop("mlp_kind", None)
    fields |= tops(numbers, ("sequence", "avg", *tokens))
    kernel = {"text_cct": "_k2", "text_cvt": "_k4", "text_vit": "_k4"}.get(family, "")
    return Draw(f"{family}_2{kernel}", fields)


def encoder(numbers: random.Random, kinds: tuple[str, ...], widening: bool) -> dict[str, Any]:
    """Fields of the encoder and the prefix.

    Args:
        numbers: random numbers.
        kinds: kinds of the prefix.
        widening: whether the last number of `prefix_filters` must be the width.
    """
    choice, chance = numbers.choice, numbers.random
    depth, width = choice((1, 2, 3)), choice(WIDTHS)
    prefix = choice((0, 0, *range(depth)))
    blocks = depth - prefix
    fields: dict[str, Any] = {"depth": depth, "embed_dim": width, "conv_prefix": prefix}
    if chance() < 0.3:
        fields["head_dim"] = choice((3, [choice((1, 2, 5)) for _ in range(blocks)]))
        heads = (1, 3, 7)
    else:
        heads = tuple(count for count in (1, 2, 4, 8) if width % count == 0)
    fields["heads"] = choice((choice(heads), [choice(heads) for _ in range(blocks)]))
    if prefix:
        fields["prefix_kind"] = kind = choice(kinds)
        if chance() < 0.3 and kind != "token_image":
            fields["prefix_filters"] = [choice((4, 8)) for _ in range(prefix - 1)] + [width]
            fields["prefix_pool"] = sorted(numbers.sample(range(prefix), choice((0, 1))))
        elif chance() < 0.5 and not widening and kind == "token_image":
            fields["prefix_filters"] = [choice((2, 3)) for _ in range(prefix)]
    choices = {
        "attention": ("polynomial", [choice(("softmax", "polynomial")) for _ in range(blocks)]),
        "mlp_ratio": (0.5, 1, 2.0),
        "activation": ("gelu", "quick_gelu", "relu"),
        "positional_embedding": ("learnable", "sine", None),
        "norm": ("cct", "pre"),
        "dropout": (0, 0.125, 0.5),
        "attention_dropout": (0.0, 0.5),
        "stochastic_depth": (0, 0.25),
    }
    choices |= options(EncoderConfig)
    fields |= {name: choice(values) for name, values in choices.items() if chance() < 0.5}
    if fields.get("positional_embedding", "sine") is None:
        fields.pop("positional_join", None)  # there is nothing to join
    return fields


def tops(numbers: random.Random, poolings: tuple[str, ...]) -> dict[str, Any]:
    """Fields of pooling and classifier."""
    fields: dict[str, Any] = {"classes": numbers.choice(CLASSES)}
    if numbers.random() < 0.4:
        fields["pooling"] = numbers.choice((None, *poolings))
    if numbers.random() < 0.2:
        fields["include_top"] = False
    elif numbers.random() < 0.5:
        fields["classifier_activation"] = activation = numbers.choice(("softmax", "sigmoid", None))
        if activation != "softmax":
            fields["classes"] = numbers.choice((1, *CLASSES))
    return fields


def in_numpy(numbers: random.Random, draw: Draw) -> Draw:
    """The same configuration, with some or all numbers as NumPy has them."""
    share = numbers.choice((0.3, 1))
    fields = {
        name: _as_numpy(numbers, value) if numbers.random() < share else value
        for name, value in draw.fields.items()
    }
    return dataclasses.replace(draw, fields=fields)


def _as_numpy(numbers, value):
    if isinstance(value, bool) or not isinstance(value, int | float | list | tuple):
        return value
    if isinstance(value, list | tuple):
        if not value or not all(isinstance(each, int | float) for each in value):
            return value
        if numbers.random() < 0.5:
            return np.array(value)
        return type(value)(_as_numpy(numbers, each) for each in value)
    if isinstance(value, int):
        return numbers.choice((np.int64, np.int32, np.uint8, np.uint16))(value)
    return numbers.choice((np.float64, np.float32, np.float16))(value)  # all exact


def odd_values() -> list[Any]:
    """Values that are wrong for most fields: of other types, out of range, huge or hostile."""
    return [
        *(None, True, False, 0, -1, 1, 7, 1.5, 2.0, -0.5, 1e38, 1e308, 5e-324, 10**9, 10**400),
        *(float("nan"), float("inf"), -float("inf"), 2**31, 2**63, 2**64, 1 + 2j),
        *("", "3", "sequence", "\ud800", "a\0b", "x" * 10_000, b"x", bytearray(b"ab")),
        *((), [], (0,), (1, 2), [2, 2, 2, 2], (8, 8, 3, 1), [None], [True], ["a"], [[2]], [1.5]),
        *({}, {"a": 1}, {1, 2}, object(), object, len, (each for each in "ab"), range(3)),
        *(np.array(None), np.array([1, 2]), np.array([[1]]), np.array([0.5]), np.zeros(0)),
        *(np.array("cct"), np.str_("cct"), np.bool_(True), np.float32("nan"), np.float16(65504)),
        *(np.int64(2**62), np.uint64(2**64 - 1), np.datetime64("2020"), np.timedelta64(3)),
        *(decimal.Decimal("0.5"), fractions.Fraction(1, 2), list(range(100_000)), [10**400]),
    ]


ODD_VARIANTS = (
    *(None, 7, b"cct_2_3x2_32", ["cct_2_3x2_32"], {}, "", "cct", "x" * 10_000, "cct_2_3x2_32 "),
    *("cct_2_\u0663x2_32", "cct_2_3x2_999999999999", "cct_2_3x999999999_32", "text_cct_2_k0"),
    *("vit_2_0_32", "cct_2_0x1_32", "cct_02_3x2_32", "../cct_2_3x2_32", "cct_2_3x2_32\n"),
    *("CCT_2_3x2_32", "text_cct_2_k99999999999", "cct_2_3x2_0", np.str_("cct_2_3x2_32")),
)


def wrong(numbers: random.Random, draw: Draw) -> Draw:
    """A configuration with one or two odd values, most of which must be refused."""
    choice = numbers.choice
    fields = dict(draw.fields)
    known = TEXT_FIELDS if str(draw.variant).startswith("text") else IMAGE_FIELDS
    kind = choice(("odd", "odd", "odd", "exchanged", "missing", "keyword", "variant"))
    if kind == "variant":
        return dataclasses.replace(draw, variant=choice(ODD_VARIANTS))
    if kind == "odd":
        for name in numbers.sample(known, choice((1, 1, 2))):
            fields[name] = choice(odd_values())
    elif kind == "exchanged":  # right values, each for another field
        one, other = numbers.sample(sorted(fields), 2)
        fields[one], fields[other] = fields[other], fields[one]
    elif kind == "missing":  # the defaults of the variant meet the other fields
        for name in numbers.sample(sorted(fields), min(3, len(fields))):
            del fields[name]
    else:
        others = {*IMAGE_FIELDS, *TEXT_FIELDS} - {*known}
        name = choice(("head", "Heads", "num_classes", "kwargs", "self", *sorted(others)))
        fields[name] = 2
    return dataclasses.replace(draw, fields=fields)
