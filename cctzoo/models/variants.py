"""The named models: one row each, and the grammar of their names."""

import dataclasses
import functools
import re
from typing import Any

from cctzoo import limits
from cctzoo.arguments import checked_arguments
from cctzoo.messages import did_you_mean, received
from cctzoo.models.config import CCTConfig
from cctzoo.models.other_words import unknown_keyword
from cctzoo.models.text_config import TextConfig
from cctzoo.plain_values import plain

Config = CCTConfig | TextConfig

# size: (embed_dim, depth, heads, mlp_ratio), equal for CCT, CVT and ViT-Lite
SIZES = {
    2: (128, 2, 2, 1),
    4: (128, 4, 2, 1),
    6: (256, 6, 4, 2),
    7: (256, 7, 4, 2),
    8: (256, 8, 4, 2),
    14: (384, 14, 6, 3),
}

TEXT_SIZES = (2, 4, 6)
POLYNOMIAL = {"heads": 64, "attention": "polynomial"}
# Six convolutions, as many as convolutional networks for images of this size have.
CONV6 = {
    "conv_prefix": 6,
    "prefix_filters": (128, 128, 256, 256, 256, 256),
    "prefix_pool": (2, 4),
}
# For the latency of a ResNet-20: the smallest model, with convolutions in its perceptrons.
DEPTHWISE = {"heads": 32, "attention": "polynomial", "mlp_kind": "depthwise", "mlp_ratio": 2}
WORD_DIM = 300  # the widest GloVe vectors, and the only width of a text_transformer

GRAMMAR = (
    "cct_SIZE_KERNELxLAYERS_IMAGE, cvt_SIZE_PATCH_IMAGE or vit_SIZE_PATCH_IMAGE, each with an "
    f"optional _sine and SIZE in {tuple(SIZES)}; or text_cct_SIZE_kKERNEL, text_cvt_SIZE_kPATCH, "
    f"text_vit_SIZE_kPATCH or text_transformer_SIZE with SIZE in {TEXT_SIZES}"
)
_IMAGE_NAME = re.compile(
    r"(cct|cvt|vit)_(\d{1,9})_(\d{1,9})(?:x(\d{1,9}))?_(\d{1,9})(_sine)?", re.ASCII
)
_TEXT_NAME = re.compile(
    r"(text_(?:cct|cvt|vit))_(\d{1,9})_k(\d{1,9})|(text_transformer)_(\d{1,9})", re.ASCII
)


@dataclasses.dataclass(frozen=True)
class Variant:
    """A listed model.

    Args:
        name: the model's name.
        classes: default number of classes.
        parameters: number of trainable parameters with `classes` classes.
        base: a name of the grammar that gives the architecture. Default: `name`.
        changes: fields of the config that differ from `base`.
    """

    name: str
    classes: int
    parameters: int
    base: str | None = None
    changes: dict[str, Any] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def config(self) -> Config:
        """The architecture, built on first use."""
        fields = {"classes": self.classes, **self.changes}
        with limits.suspended():
            return config_from_name(self.base or self.name, **fields)


VARIANTS = {
    row.name: row
    for row in [
        Variant("cct_2_3x2_32", 10, 283_723),
        Variant("cct_2_3x2_32_sine", 10, 275_531),
        Variant("cct_4_3x2_32", 10, 482_123),
        Variant("cct_4_3x2_32_sine", 10, 473_931),
        Variant("cct_6_3x1_32", 10, 3_233_803),
        Variant("cct_6_3x1_32_sine", 10, 3_168_267),
        Variant("cct_6_3x2_32", 10, 3_326_923),
        Variant("cct_6_3x2_32_sine", 10, 3_310_539),
        Variant("cct_7_3x1_32", 10, 3_760_139),
        Variant("cct_7_3x1_32_sine", 10, 3_694_603),
        Variant("cct_7_3x2_32", 10, 3_853_259),
        Variant("cct_7_3x2_32_sine", 10, 3_836_875),
        Variant("cct_7_7x2_224", 102, 4_573_735),
        Variant("cct_7_7x2_224_sine", 102, 4_523_559),
        Variant("cct_14_7x2_224", 1000, 22_367_273),
        Variant("cct_14_7x2_384", 1000, 22_513_193),
        Variant("cvt_2_4_32", 10, 214_539),
        Variant("cvt_4_4_32", 10, 412_939),
        Variant("cvt_6_4_32", 10, 3_190_283),
        Variant("cvt_7_4_32", 10, 3_716_619),
        Variant("vit_2_4_32", 10, 214_666),
        Variant("vit_4_4_32", 10, 413_066),
        Variant("vit_6_4_32", 10, 3_190_538),
        Variant("vit_7_4_32", 10, 3_716_874),
        Variant("text_cct_2_k1", 4, 6_237_701),
        Variant("text_cct_2_k2", 4, 6_276_101),
        Variant("text_cct_2_k4", 4, 6_352_901),
        Variant("text_cct_4_k1", 4, 6_436_101),
        Variant("text_cct_4_k2", 4, 6_474_501),
        Variant("text_cct_4_k4", 4, 6_551_301),
        Variant("text_cct_6_k1", 4, 9_236_613),
        Variant("text_cct_6_k2", 4, 9_313_413),
        Variant("text_cct_6_k4", 4, 9_467_013),
        Variant("text_cvt_2_k4", 4, 6_352_901),
        Variant("text_cvt_4_k4", 4, 6_551_301),
        Variant("text_cvt_6_k4", 4, 9_467_013),
        Variant("text_vit_2_k4", 4, 6_352_900),
        Variant("text_vit_4_k4", 4, 6_551_300),
        Variant("text_vit_6_k4", 4, 9_467_012),
        Variant("text_transformer_2", 4, 7_086_304),
        Variant("text_transformer_4", 4, 8_170_504),
        Variant("text_transformer_6", 4, 10_336_504),
        Variant("cct_2_depthwise", 10, 355_147, "cct_2_3x2_32", DEPTHWISE),
        Variant("cct_lsmha", 100, 3_783_269, "cct_7_3x1_32", {"heads": 64}),
        Variant("cct_conv", 100, 3_097_381, "cct_7_3x1_32", {"heads": 64, "conv_prefix": 3}),
        Variant("cct_conv6", 100, 2_846_757, "cct_7_3x1_32", {"heads": 64, **CONV6}),
        Variant("cct_polynomial", 100, 3_783_269, "cct_7_3x1_32", POLYNOMIAL),
        Variant(
            "cct_conv_polynomial", 100, 3_097_381, "cct_7_3x1_32", {**POLYNOMIAL, "conv_prefix": 3}
        ),
        Variant("cct_conv6_polynomial", 100, 2_846_757, "cct_7_3x1_32", {**POLYNOMIAL, **CONV6}),
    ]
}


@checked_arguments
def variant_config(variant: str, /, **changes: Any) -> Config:
    """The config of a model by name, with `changes` to its fields.

    Args:
        variant: a name of `list_models()`, or any other name of the grammar.
        **changes: fields of `CCTConfig` or `TextConfig`. A `vocabulary` also sets
            `vocabulary_size`.

    Raises:
        ValueError: for an unknown name or keyword, or for values that contradict each other.
    """
    if not isinstance(variant, str):
        raise ValueError(
            "`variant` must be a str, the name of a model in list_models(). "
            f"{received(variant=variant)}"
        )
    if variant not in VARIANTS:
        return config_from_name(variant, **_with_vocabulary_size(changes))
    return change_config(VARIANTS[variant].config, **changes)


def change_config(config: Config, /, **changes: Any) -> Config:
    """A config with `changes` to its fields, as in `variant_config`.

    With another number of classes, the old `class_names` are dropped.
    """
    changes = _with_vocabulary_size(changes)
    _check_keywords(type(config), changes)
    if changes.get("classes", config.classes) != config.classes:
        changes = {"class_names": None} | changes
    return dataclasses.replace(config, **changes)  # checks the limits in force


def config_from_name(name: str, /, **changes: Any) -> Config:
    """The config of a name of the grammar, e.g. `cct_7_3x1_32` or `text_cct_2_k4`.

    Raises:
        ValueError: if `name` does not follow the grammar, for an unknown keyword in `changes`,
            or for values that contradict each other.
    """
    kind = TextConfig if name.startswith("text_") else CCTConfig
    fields = _text_fields(name) if kind is TextConfig else _image_fields(name)
    if fields is None:
        raise ValueError(
            f"A model's name must be one of list_models() or {GRAMMAR}."
            f"{did_you_mean(name, VARIANTS)} {received(variant=name)}"
        )
    _check_keywords(kind, changes)
    return kind(**{**fields, **changes})


def config_from_fields(fields: dict[str, Any]) -> Config:
    """Rebuilds a config from the dict that `dataclasses.asdict` made of it.

    Raises:
        ValueError: for unknown fields, or for values that are wrong or contradict each other.
    """
    if not isinstance(fields, dict):
        raise ValueError(f"A config must be a dict of its fields. {received(config=fields)}")
    family = fields.get("family")
    is_text = isinstance(family, str) and family in TextConfig.FAMILIES
    kind = TextConfig if is_text else CCTConfig
    _check_keywords(kind, fields)
    return kind(**fields)


def _image_fields(name):
    match = _IMAGE_NAME.fullmatch(name)
    if match is None:
        return None
    family, size, kernel, layers, image, sine = match.groups()
    if int(size) not in SIZES or (layers is not None) != (family == "cct"):
        return None
    return {
        **_size_fields(size),
        "family": family,
        "kernel_size": int(kernel),
        "conv_layers": int(layers or 1),
        "positional_embedding": "sine" if sine else "learnable",
        "input_shape": (int(image), int(image), 3),
    }


def _text_fields(name):
    match = _TEXT_NAME.fullmatch(name)
    if match is None:
        return None
    family, size, kernel, transformer, transformer_size = match.groups()
    if int(size or transformer_size) not in TEXT_SIZES:
        return None
    fields = {
        **_size_fields(size or transformer_size),
        "family": family or transformer,
        "kernel_size": int(kernel or 1),
        "word_dim": WORD_DIM,
    }
    return {**fields, "embed_dim": WORD_DIM} if transformer else fields


def _size_fields(size):
    return dict(zip(("embed_dim", "depth", "heads", "mlp_ratio"), SIZES[int(size)], strict=True))


def _with_vocabulary_size(changes):
    words = plain("vocabulary", changes.get("vocabulary"))
    if not isinstance(words, tuple) or "vocabulary_size" in changes:
        return changes
    return {**changes, "vocabulary": words, "vocabulary_size": len(words) + 2}


def _check_keywords(kind, changes):
    known = [field.name for field in dataclasses.fields(kind)]
    for keyword, value in changes.items():
        if keyword not in known:
            raise ValueError(unknown_keyword(str(keyword), value, known, kind.__name__))
