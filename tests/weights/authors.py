"""Small models and the arrays that the authors' key layout has for them."""

import zlib

import numpy as np
import torch

from cctzoo.models import CCT, TextConfig
from cctzoo.weights import state_dict

FAMILIES = {
    "cct": {"kernel_size": 3, "conv_layers": 2},
    "cvt": {"family": "cvt", "kernel_size": 4},
    "vit": {"family": "vit", "kernel_size": 4},
}
TEXT_FAMILIES = {
    "text_cct": {"kernel_size": 4},
    "text_cvt": {"kernel_size": 3},
    "text_vit": {"kernel_size": 4},
    "text_transformer": {"kernel_size": 1, "word_dim": 24},
}
BLOCK = {
    "pre_norm.weight": (24,),
    "pre_norm.bias": (24,),
    "self_attn.qkv.weight": (72, 24),
    "self_attn.proj.weight": (24, 24),
    "self_attn.proj.bias": (24,),
    "norm1.weight": (24,),
    "norm1.bias": (24,),
    "linear1.weight": (48, 24),
    "linear1.bias": (48,),
    "linear2.weight": (24, 48),
    "linear2.bias": (24,),
}
ENDS = {
    "cct": {
        "tokenizer.conv_layers.0.0.weight": (64, 3, 3, 3),
        "tokenizer.conv_layers.1.0.weight": (24, 64, 3, 3),
    },
    "cvt": {
        "tokenizer.conv_layers.0.0.weight": (24, 3, 4, 4),
        "tokenizer.conv_layers.0.0.bias": (24,),
    },
}
ENDS["vit"] = {**ENDS["cvt"], "classifier.class_emb": (1, 1, 24)}


def shapes(family):
    """Shape by key in PyTorch's layout, of the small model of a family."""
    pooling = {
        "classifier.attention_pool.weight": (1, 24),
        "classifier.attention_pool.bias": (1,),
    }
    return {
        **ENDS[family],
        "classifier.positional_emb": (1, 13 if family == "vit" else 12, 24),
        **({} if family == "vit" else pooling),
        **{f"classifier.blocks.{i}.{key}": BLOCK[key] for i in range(2) for key in BLOCK},
        "classifier.norm.weight": (24,),
        "classifier.norm.bias": (24,),
        "classifier.fc.weight": (5, 24),
        "classifier.fc.bias": (5,),
    }


def small_text_model(family="text_cct", **changes):
    """Two blocks on 11 words: 7 tokens in a text_cct of kernel size 4."""
    options = {"depth": 2, "embed_dim": 24, "heads": 3, "word_dim": 7, "classes": 5}
    options |= {"vocabulary_size": 13, "length": 11, "positional_embedding": "learnable"}
    return CCT(TextConfig(family=family, **{**options, **TEXT_FAMILIES[family], **changes}))


def draw(key, shape):
    """The array that the authors' model was filled with for its reference outputs."""
    noise = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape)
    noise = noise.astype("float32")
    if key.startswith("embedder."):
        return noise
    if key.endswith(("positional_emb", "class_emb")):
        return 0.2 * noise
    if key.endswith(".bias"):
        return 0.1 * noise
    if "norm" in key.split(".")[-2]:
        return 1 + 0.1 * noise
    return (noise / np.sqrt(np.prod(shape[1:]))).astype("float32")


def made_up(family):
    return {key: draw(key, shape) for key, shape in shapes(family).items()}


def tensors(state):
    """The arrays as tensors of PyTorch."""
    return {key: torch.from_numpy(array) for key, array in state.items()}


def assert_state(model, state):
    """The model's weights are these arrays, bit by bit."""
    found = state_dict(model)
    assert found.keys() == state.keys()
    for key, array in state.items():
        np.testing.assert_array_equal(found[key], array)
