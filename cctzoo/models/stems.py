"""The part of a model before the encoder: from an image or token ids to tokens."""

from typing import Any

import keras

from cctzoo.layers import (
    ClassToken,
    ConvPrefix,
    ConvTokenizer,
    TextLength,
    TextTokenizer,
    TokenImagePrefix,
    TokenMask,
    WordEmbedding,
)
from cctzoo.models.config import HIDDEN_FILTERS, CCTConfig
from cctzoo.models.positions import added_positions
from cctzoo.models.text_config import TextConfig
from cctzoo.typing import Tensor

Policy = str | dict[str, Any]  # a name, or a policy as Keras serialises it


def image_stem(config: CCTConfig, dtype: Policy) -> tuple[Tensor, Tensor, None]:
    """The symbolic (image (B, height, width, channels), tokens (B, T, D), None)."""
    x = inputs = keras.Input(config.input_shape, name="image")
    if config.include_preprocessing:
        x = preprocessing(config)(x)
    x = image_tokenizer(config, dtype)(x)  # (B, H, W, D)
    if config.conv_prefix:
        x = ConvPrefix(
            config.block_filters, config.prefix_kind, config.block_pool, name="prefix", dtype=dtype
        )(x)
    height, width = config.grid
    shape = (height * width, config.embed_dim)
    x = keras.layers.Reshape(shape, name="tokens", dtype=dtype)(x)  # (B, T, D)
    if config.has_class_token:
        x = ClassToken(name="class_token", dtype=dtype)(x)  # (B, 1 + T, D)
    return inputs, added_positions(config, dtype, x), None


def preprocessing(config: CCTConfig) -> keras.layers.Layer:
    """0-255 -> 0-1 -> (x - mean) / std, as one multiplication and one addition."""
    channels = config.input_shape[-1]
    mean, std = (
        value if isinstance(value, tuple) else (value,) for value in (config.mean, config.std)
    )
    mean, std = (value * (channels // len(value)) for value in (mean, std))
    return keras.layers.Rescaling(
        scale=[1 / (255 * s) for s in std],
        offset=[-m / s for m, s in zip(mean, std, strict=True)],
        dtype="float32",
        name="preprocessing",
    )


def image_tokenizer(config: CCTConfig, dtype: Policy) -> keras.layers.Layer:
    """Convolutions with pooling (CCT), or one convolution per patch (CVT, ViT-Lite)."""
    if config.family == "cct":
        return ConvTokenizer(
            config.tokenizer_filters,
            config.kernel_size,
            config.conv_layers,
            HIDDEN_FILTERS,
            name="tokenizer",
            dtype=dtype,
        )
    return keras.layers.Conv2D(
        config.tokenizer_filters,
        config.kernel_size,
        strides=config.kernel_size,
        kernel_initializer="he_normal",
        data_format="channels_last",
        name="tokenizer",
        dtype=dtype,
    )


def text_stem(config: TextConfig, dtype: Policy) -> tuple[Tensor, Tensor, Tensor | None]:
    """The symbolic (ids (B, L), tokens (B, T, D), mask (B, T)).

    The mask is True for the tokens that are not padding. It is None without a `padding_id`.
    """
    inputs = keras.Input((config.length,), dtype="int32", name="ids")
    x = WordEmbedding(
        config.vocabulary_size, config.word_dim, config.padding_id, name="words", dtype=dtype
    )(inputs)  # (B, L, word_dim)
    # One tensor (B, 1), or nothing: the layers below return the lengths only if they are given.
    lengths = ()
    if config.padding_id is not None:
        lengths = (TextLength(config.padding_id, name="length")(inputs),)
    if config.family != "text_transformer":
        x, *lengths = _as_tuple(text_tokenizer(config, dtype)(x, *lengths))  # (B, T, D)
    if config.conv_prefix:
        x, *lengths = _text_prefix(config, dtype, x, lengths)
    if config.has_class_token:
        x = ClassToken(name="class_token", dtype=dtype)(x)  # (B, 1 + T, D)
    x = added_positions(config, dtype, x)
    extra = int(config.has_class_token)
    mask = TokenMask(config.tokens, extra, name="mask")(*lengths) if lengths else None
    return inputs, x, mask


def text_tokenizer(config: TextConfig, dtype: Policy) -> keras.layers.Layer:
    """Overlapping windows of words with pooling (CCT), or patches (CVT, ViT-Lite)."""
    return TextTokenizer(
        config.embed_dim,
        config.kernel_size,
        pooling=config.family == "text_cct",
        name="tokenizer",
        dtype=dtype,
    )


def _text_prefix(config, dtype, x, lengths):
    """(tokens (B, T', D), new lengths), or (tokens,) if `lengths` is empty."""
    if config.prefix_kind == "token_image":
        prefix = TokenImagePrefix(
            config.block_filters, config.activation, name="prefix", dtype=dtype
        )
        return _as_tuple(prefix(x, *lengths))
    tokens, width = x.shape[1:]
    x = keras.layers.Reshape((tokens, 1, width), name="column", dtype=dtype)(x)
    prefix = ConvPrefix(
        config.block_filters,
        config.prefix_kind,
        config.block_pool,
        kernel_size=(3, 1),
        pool_padding="same",
        name="prefix",
        dtype=dtype,
    )
    x, *lengths = _as_tuple(prefix(x, *lengths))
    shape = (x.shape[1], config.embed_dim)
    return keras.layers.Reshape(shape, name="tokens", dtype=dtype)(x), *lengths


def _as_tuple(outputs):
    return outputs if isinstance(outputs, tuple) else (outputs,)
