"""The named models: one row each, and the grammar of their names."""

import dataclasses
import difflib
import re

from cctzoo.models.config import CCTConfig
from cctzoo.models.text_config import TextConfig

# size: (embed_dim, depth, heads, mlp_ratio), the same for CCT, CVT and ViT-Lite; texts: 2, 4, 6
SIZES = {
    2: (128, 2, 2, 1),
    4: (128, 4, 2, 1),
    6: (256, 6, 4, 2),
    7: (256, 7, 4, 2),
    8: (256, 8, 4, 2),
    14: (384, 14, 6, 3),
}

TEXT_SIZES = (2, 4, 6)
WORD_DIM = 300  # GloVe's widest; a text_transformer has no other width

GRAMMAR = (
    "cct_SIZE_KERNELxLAYERS_IMAGE, cvt_SIZE_PATCH_IMAGE, vit_SIZE_PATCH_IMAGE, [_sine], with SIZE "
    f"in {tuple(SIZES)}, or text_cct_SIZE_kKERNEL, text_cvt_SIZE_kPATCH, text_vit_SIZE_kPATCH, "
    f"text_transformer_SIZE with SIZE in {TEXT_SIZES}"
)
_NAME = re.compile(r"(cct|cvt|vit)_(\d+)_(\d+)(?:x(\d+))?_(\d+)(_sine)?")
_TEXT_NAME = re.compile(r"(text_(?:cct|cvt|vit))_(\d+)_k(\d+)|(text_transformer)_(\d+)")


@dataclasses.dataclass(frozen=True)
class Variant:
    """A row: the name, the classes it is meant for, its trainable parameters with them."""

    name: str
    classes: int
    parameters: int
    base: str | None = None  # a name of the grammar, where `name` is none
    changes: dict = dataclasses.field(default_factory=dict)

    @property
    def config(self):
        changes = {"classes": self.classes, **self.changes}
        return dataclasses.replace(parse(self.base or self.name), **changes)


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
        Variant("cct_lsmha", 100, 3_783_269, "cct_7_3x1_32", {"heads": 64}),
        Variant("cct_conv", 100, 3_097_381, "cct_7_3x1_32", {"heads": 64, "conv_prefix": 3}),
    ]
}


def parse(name):
    """The config of a name of the grammar, e.g. `cct_7_3x1_32` or `text_cct_2_k4`.

    Raises:
        ValueError: if `name` is not of the grammar, with the listed names near to it.
    """
    config = _parse_text(name) if name.startswith("text_") else _parse_image(name)
    if config is None:
        near = difflib.get_close_matches(name, VARIANTS, n=3, cutoff=0.5)
        hint = f" Near to it: {', '.join(near)}." if near else ""
        raise ValueError(
            f"A model's name must be one of list_models() or {GRAMMAR}.{hint} "
            f"Received: variant={name!r}"
        )
    return config


def _parse_image(name):
    match = _NAME.fullmatch(name)
    family, size, kernel, layers, image, sine = match.groups() if match else (None,) * 6
    if not match or int(size) not in SIZES or (layers is not None) != (family == "cct"):
        return None
    return CCTConfig(
        **_sizes(size),
        family=family,
        kernel_size=int(kernel),
        conv_layers=int(layers or 1),
        positional_embedding="sine" if sine else "learnable",
        input_shape=(int(image), int(image), 3),
    )


def _parse_text(name):
    match = _TEXT_NAME.fullmatch(name)
    family, size, kernel, plain, plain_size = match.groups() if match else (None,) * 5
    if not match or int(size or plain_size) not in TEXT_SIZES:
        return None
    sizes = _sizes(size or plain_size)
    if plain:
        sizes["embed_dim"] = WORD_DIM
    return TextConfig(
        **sizes, family=family or plain, kernel_size=int(kernel or 1), word_dim=WORD_DIM
    )


def _sizes(size):
    return dict(zip(("embed_dim", "depth", "heads", "mlp_ratio"), SIZES[int(size)], strict=True))


def config_from(fields):
    """The config that `dataclasses.asdict` turned into a dict, for images or texts.

    Raises:
        TypeError: for fields that it does not have.
        ValueError: for values that contradict each other.
    """
    kind = TextConfig if fields.get("family") in TextConfig.FAMILIES else CCTConfig
    return kind(**fields)


def variant_config(variant, **changes):
    """The config of a listed or grammatical name, with `changes` to it.

    A `vocabulary` sets `vocabulary_size` with it.

    Raises:
        ValueError: for an unknown name or keyword, with near matches, and for values that
            contradict each other.
    """
    config = VARIANTS[variant].config if variant in VARIANTS else parse(variant)
    known = [field.name for field in dataclasses.fields(config)]
    for keyword, value in changes.items():
        if keyword not in known:
            near = difflib.get_close_matches(keyword, known, n=3, cutoff=0.5)
            hint = f" Near to it: {', '.join(near)}." if near else ""
            raise ValueError(
                f"A keyword must be one of {', '.join(known)}.{hint} Received: {keyword}={value!r}"
            )
    if changes.get("vocabulary") is not None:
        changes = {"vocabulary_size": len(changes["vocabulary"]) + 2, **changes}
    return dataclasses.replace(config, **changes)
