"""What comes before the encoder: from an image, or from token ids, to tokens."""

import keras

from cctzoo.layers import (
    ClassToken,
    ConvPrefix,
    ConvTokenizer,
    PositionEmbedding,
    TextLength,
    TextTokenizer,
    TokenImagePrefix,
    TokenMask,
    WordEmbedding,
)
from cctzoo.models.config import HIDDEN_FILTERS


def image_stem(config, options):
    """The symbolic (image (B, height, width, channels), tokens (B, T, D), None)."""
    x = inputs = keras.Input(config.input_shape, name="image")
    if config.include_preprocessing:
        x = preprocessing(config)(x)
    x = image_tokenizer(config, options)(x)  # (B, H, W, D)
    if config.conv_prefix:
        x = ConvPrefix(
            config.block_filters, config.prefix_kind, config.block_pool, name="prefix", **options
        )(x)
    height, width = config.grid
    shape = (height * width, config.embed_dim)
    x = keras.layers.Reshape(shape, name="tokens", **options)(x)  # (B, T, D)
    if config.has_class_token:
        x = ClassToken(name="class_token", **options)(x)  # (B, 1 + T, D)
    if config.positional_embedding:
        x = PositionEmbedding(config.positional_embedding, name="position", **options)(x)
    return inputs, x, None


def preprocessing(config):
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


def image_tokenizer(config, options):
    """Convolutions with pooling (CCT), or one convolution per patch (CVT, ViT-Lite)."""
    if config.family == "cct":
        return ConvTokenizer(
            config.tokenizer_filters,
            config.kernel_size,
            config.conv_layers,
            HIDDEN_FILTERS,
            name="tokenizer",
            **options,
        )
    return keras.layers.Conv2D(
        config.tokenizer_filters,
        config.kernel_size,
        strides=config.kernel_size,
        kernel_initializer="he_normal",
        data_format="channels_last",
        name="tokenizer",
        **options,
    )


def text_stem(config, options):
    """The symbolic (ids (B, L), tokens (B, T, D), mask (B, T) of the tokens that count).

    The mask is None where all ids are words.
    """
    inputs = keras.Input((config.length,), dtype="int32", name="ids")
    x = WordEmbedding(
        config.vocabulary_size, config.word_dim, config.padding_id, name="words", **options
    )(inputs)  # (B, L, word_dim)
    length = ()  # or one tensor, (B, 1)
    if config.padding_id is not None:
        length = (TextLength(config.padding_id, name="length")(inputs),)
    if config.family != "text_transformer":
        x, *length = _tuple(text_tokenizer(config, options)(x, *length))  # (B, T, D)
    if config.conv_prefix:
        x, *length = _text_prefix(config, options, x, length)
    if config.has_class_token:
        x = ClassToken(name="class_token", **options)(x)  # (B, 1 + T, D)
    if config.positional_embedding:
        x = PositionEmbedding(
            config.positional_embedding, zero_first=True, name="position", **options
        )(x)
    extra = int(config.has_class_token)
    mask = TokenMask(config.tokens, extra, name="mask")(*length) if length else None
    return inputs, x, mask


def text_tokenizer(config, options):
    """Overlapping windows of words with pooling (CCT), or patches (CVT, ViT-Lite)."""
    return TextTokenizer(
        config.embed_dim,
        config.kernel_size,
        pooling=config.family == "text_cct",
        name="tokenizer",
        **options,
    )


def _text_prefix(config, options, x, length):
    """(tokens (B, T', D), new length), the length left out where there is none."""
    if config.prefix_kind == "token_image":
        return _tuple(TokenImagePrefix(config.block_filters, name="prefix", **options)(x, *length))
    tokens, width = x.shape[1:]
    x = keras.layers.Reshape((tokens, 1, width), name="column", **options)(x)
    x, *length = _tuple(
        ConvPrefix(
            config.block_filters,
            config.prefix_kind,
            config.block_pool,
            kernel_size=(3, 1),
            pool_padding="same",
            name="prefix",
            **options,
        )(x, *length)
    )
    shape = (x.shape[1], config.embed_dim)
    return keras.layers.Reshape(shape, name="tokens", **options)(x), *length


def _tuple(outputs):
    return outputs if isinstance(outputs, tuple) else (outputs,)
