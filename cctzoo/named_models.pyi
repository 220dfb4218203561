"""Written by `python -m tests.models.stubs`; do not edit."""

from collections.abc import Sequence
from typing import Any

from cctzoo.models.model import CCT
from cctzoo.typing import PathLike

__all__ = [  # noqa: RUF022
    "cct_2_3x2_32",
    "cct_2_3x2_32_sine",
    "cct_4_3x2_32",
    "cct_4_3x2_32_sine",
    "cct_6_3x1_32",
    "cct_6_3x1_32_sine",
    "cct_6_3x2_32",
    "cct_6_3x2_32_sine",
    "cct_7_3x1_32",
    "cct_7_3x1_32_sine",
    "cct_7_3x2_32",
    "cct_7_3x2_32_sine",
    "cct_7_7x2_224",
    "cct_7_7x2_224_sine",
    "cct_14_7x2_224",
    "cct_14_7x2_384",
    "cvt_2_4_32",
    "cvt_4_4_32",
    "cvt_6_4_32",
    "cvt_7_4_32",
    "vit_2_4_32",
    "vit_4_4_32",
    "vit_6_4_32",
    "vit_7_4_32",
    "text_cct_2_k1",
    "text_cct_2_k2",
    "text_cct_2_k4",
    "text_cct_4_k1",
    "text_cct_4_k2",
    "text_cct_4_k4",
    "text_cct_6_k1",
    "text_cct_6_k2",
    "text_cct_6_k4",
    "text_cvt_2_k4",
    "text_cvt_4_k4",
    "text_cvt_6_k4",
    "text_vit_2_k4",
    "text_vit_4_k4",
    "text_vit_6_k4",
    "text_transformer_2",
    "text_transformer_4",
    "text_transformer_6",
    "cct_lsmha",
    "cct_conv",
]

def cct_2_3x2_32(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 2,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 3, conv_layers: int = 2, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_2_3x2_32_sine(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 2,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 3, conv_layers: int = 2, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_4_3x2_32(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 4,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 3, conv_layers: int = 2, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_4_3x2_32_sine(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 4,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 3, conv_layers: int = 2, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_6_3x1_32(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 6,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 3, conv_layers: int = 1, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_6_3x1_32_sine(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 6,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 3, conv_layers: int = 1, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_6_3x2_32(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 6,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 3, conv_layers: int = 2, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_6_3x2_32_sine(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 6,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 3, conv_layers: int = 2, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_7_3x1_32(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 7,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 3, conv_layers: int = 1, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_7_3x1_32_sine(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 7,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 3, conv_layers: int = 1, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_7_3x2_32(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 7,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 3, conv_layers: int = 2, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_7_3x2_32_sine(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 7,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 3, conv_layers: int = 2, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_7_7x2_224(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 7,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 102, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 7, conv_layers: int = 2, input_shape: Sequence[int] = (224, 224, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_7_7x2_224_sine(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 7,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 102, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 7, conv_layers: int = 2, input_shape: Sequence[int] = (224, 224, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_14_7x2_224(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 14,
    embed_dim: int = 384, heads: int | Sequence[int] = 6,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 3, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 1000, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 7, conv_layers: int = 2, input_shape: Sequence[int] = (224, 224, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_14_7x2_384(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 14,
    embed_dim: int = 384, heads: int | Sequence[int] = 6,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 3, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 1000, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 7, conv_layers: int = 2, input_shape: Sequence[int] = (384, 384, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cvt_2_4_32(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 2,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cvt",
    kernel_size: int = 4, conv_layers: int = 1, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cvt_4_4_32(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 4,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cvt",
    kernel_size: int = 4, conv_layers: int = 1, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cvt_6_4_32(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 6,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cvt",
    kernel_size: int = 4, conv_layers: int = 1, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cvt_7_4_32(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 7,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "cvt",
    kernel_size: int = 4, conv_layers: int = 1, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def vit_2_4_32(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 2,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "vit",
    kernel_size: int = 4, conv_layers: int = 1, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def vit_4_4_32(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 4,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "vit",
    kernel_size: int = 4, conv_layers: int = 1, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def vit_6_4_32(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 6,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "vit",
    kernel_size: int = 4, conv_layers: int = 1, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def vit_7_4_32(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 7,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 10, classifier_activation: str | None = "softmax", family: str = "vit",
    kernel_size: int = 4, conv_layers: int = 1, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def text_cct_2_k1(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 2,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_cct",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 1,
) -> CCT: ...

def text_cct_2_k2(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 2,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_cct",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 2,
) -> CCT: ...

def text_cct_2_k4(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 2,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_cct",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 4,
) -> CCT: ...

def text_cct_4_k1(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 4,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_cct",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 1,
) -> CCT: ...

def text_cct_4_k2(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 4,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_cct",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 2,
) -> CCT: ...

def text_cct_4_k4(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 4,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_cct",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 4,
) -> CCT: ...

def text_cct_6_k1(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 6,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_cct",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 1,
) -> CCT: ...

def text_cct_6_k2(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 6,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_cct",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 2,
) -> CCT: ...

def text_cct_6_k4(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 6,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_cct",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 4,
) -> CCT: ...

def text_cvt_2_k4(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 2,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_cvt",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 4,
) -> CCT: ...

def text_cvt_4_k4(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 4,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_cvt",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 4,
) -> CCT: ...

def text_cvt_6_k4(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 6,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_cvt",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 4,
) -> CCT: ...

def text_vit_2_k4(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 2,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_vit",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 4,
) -> CCT: ...

def text_vit_4_k4(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 4,
    embed_dim: int = 128, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_vit",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 4,
) -> CCT: ...

def text_vit_6_k4(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 6,
    embed_dim: int = 256, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax", family: str = "text_vit",
    vocabulary_size: int = 20000, vocabulary: Sequence[str] | None = None, length: int = 64,
    padding_id: int | None = 1, word_dim: int = 300, kernel_size: int = 4,
) -> CCT: ...

def text_transformer_2(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 2,
    embed_dim: int = 300, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax",
    family: str = "text_transformer", vocabulary_size: int = 20000,
    vocabulary: Sequence[str] | None = None, length: int = 64, padding_id: int | None = 1,
    word_dim: int = 300, kernel_size: int = 1,
) -> CCT: ...

def text_transformer_4(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 4,
    embed_dim: int = 300, heads: int | Sequence[int] = 2,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 1, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax",
    family: str = "text_transformer", vocabulary_size: int = 20000,
    vocabulary: Sequence[str] | None = None, length: int = 64, padding_id: int | None = 1,
    word_dim: int = 300, kernel_size: int = 1,
) -> CCT: ...

def text_transformer_6(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 6,
    embed_dim: int = 300, heads: int | Sequence[int] = 4,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "sine",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 4, classifier_activation: str | None = "softmax",
    family: str = "text_transformer", vocabulary_size: int = 20000,
    vocabulary: Sequence[str] | None = None, length: int = 64, padding_id: int | None = 1,
    word_dim: int = 300, kernel_size: int = 1,
) -> CCT: ...

def cct_lsmha(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 7,
    embed_dim: int = 256, heads: int | Sequence[int] = 64,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 0,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 100, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 3, conv_layers: int = 1, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...

def cct_conv(
    *,
    weights: PathLike | None = None, name: str | None = None, dtype: Any = None, depth: int = 7,
    embed_dim: int = 256, heads: int | Sequence[int] = 64,
    head_dim: int | Sequence[int] | None = None, mlp_ratio: float = 2, conv_prefix: int = 3,
    prefix_kind: str = "vgg", prefix_filters: Sequence[int] | None = None,
    prefix_pool: Sequence[int] | None = None, positional_embedding: str | None = "learnable",
    norm: str = "cct", dropout: float = 0.0, attention_dropout: float = 0.1,
    stochastic_depth: float = 0.1, include_top: bool = True, pooling: str | None = None,
    classes: int = 100, classifier_activation: str | None = "softmax", family: str = "cct",
    kernel_size: int = 3, conv_layers: int = 1, input_shape: Sequence[int] = (32, 32, 3),
    include_preprocessing: bool = True, mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
) -> CCT: ...
