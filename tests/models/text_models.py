"""Small text models of every family and prefix, and padded token ids."""

import numpy as np

from cctzoo.models import CCT, TextConfig

WORDS = 50
LENGTH = 22
FAMILIES = {
    "text_cct": {"kernel_size": 4},
    "text_cvt": {"kernel_size": 3},
    "text_vit": {"kernel_size": 4},
    "text_transformer": {"kernel_size": 1, "embed_dim": 24, "word_dim": 24},
}
PREFIXES = {
    "none": {},
    "vgg": {"conv_prefix": 2, "prefix_pool": (0,)},
    "depthwise": {"conv_prefix": 2, "prefix_kind": "depthwise", "prefix_pool": (0, 1)},
    "token_image": {"conv_prefix": 2, "prefix_kind": "token_image"},
}


def text_model(family="text_cct", **changes):
    options = {
        "depth": 3,
        "embed_dim": 24,
        "heads": 3,
        "word_dim": 7,
        "vocabulary_size": WORDS,
        "length": LENGTH,
        "classes": 5,
        "classifier_activation": None,
    }
    return CCT(TextConfig(family=family, **{**options, **FAMILIES[family], **changes}))


def padded(texts, length):
    ids = np.ones((len(texts), length), "int32")
    for row, text in zip(ids, texts, strict=True):
        row[: len(text)] = text
    return ids
