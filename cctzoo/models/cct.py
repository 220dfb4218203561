"""The model: the graph, read from the image down to the logits, and its factories."""

import inspect
from dataclasses import asdict, fields

import keras

from cctzoo.layers import (
    ClassToken,
    ConvPrefix,
    ConvTokenizer,
    EncoderBlock,
    FirstToken,
    LayerNorm,
    PositionEmbedding,
    SequencePooling,
)
from cctzoo.layers.encoder_block import EPSILON
from cctzoo.models.config import HIDDEN_FILTERS, CCTConfig
from cctzoo.models.variants import VARIANTS, variant_config


@keras.saving.register_keras_serializable(package="cctzoo")
class CCT(keras.Model):
    """A compact transformer for images: CCT, CVT or ViT-Lite, with any number of heads.

    A functional model, chained layer by layer: `preprocessing`, `tokenizer`, `prefix`,
    `tokens`, `class_token`, `position`, `dropout`, `block00` ... (numbered in `depth`, so
    that those that a convolutional prefix of 3 leaves start at `block03`), `norm`,
    `pooling`, `classifier`. Layers that a config does not ask for are not there.

    Args:
        config: a `CCTConfig`, kept as `model.config`.
        name: of the model.
        dtype: policy of all layers, e.g. `"mixed_bfloat16"`. Default: Keras' global one.
            Softmax, layer norms' statistics and the classifier stay in float32.

    Shapes: images (B, height, width, channels) -> (B, classes); without top and pooling a
    map (B, H, W, D), or the sequence (B, T, D) where there is a class token.

    Reference: Hassani et al., arXiv 2104.05704; Gross et al., arXiv 2506.23832.
    """

    def __init__(self, config, name="cct", dtype=None, **kwargs):
        policy = keras.dtype_policies.get(dtype)
        inputs, outputs = build_graph(config, policy)
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)
        self.config = config
        self.dtype_policy = policy

    def get_config(self):
        return {
            "config": asdict(self.config),
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self._current_policy()),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**{**config, "config": CCTConfig(**config["config"])})

    def _current_policy(self):
        """The policy given, and by path what `quantize` has made of single layers."""
        layers = [layer for layer in self._flatten_layers() if layer.quantization_mode]
        if not layers:
            return self.dtype_policy
        float32 = keras.dtype_policies.DTypePolicy(self.dtype_policy.variable_dtype)
        policies = {"classifier": float32}  # unless it is one of them
        policies |= {layer.path: layer.dtype_policy for layer in layers}
        return keras.dtype_policies.DTypePolicyMap(self.dtype_policy, policies)


def build_graph(config, policy):
    """The symbolic (inputs, outputs) of a config under a dtype policy."""
    # Plain values: a layer of ours that is given a policy as an object has no `get_config`.
    options = {"dtype": keras.dtype_policies.serialize(policy)}
    normal = keras.initializers.RandomNormal(stddev=0.02)
    height, width = config.grid
    tokens = height * width

    x = inputs = keras.Input(config.input_shape, name="image")  # (B, height, width, channels)
    if config.include_preprocessing:
        x = preprocessing(config)(x)
    x = tokenizer(config, options)(x)  # (B, H, W, D)
    if config.conv_prefix:
        x = ConvPrefix(
            config.block_filters, config.prefix_kind, config.block_pool, name="prefix", **options
        )(x)
    x = keras.layers.Reshape((tokens, config.embed_dim), name="tokens", **options)(x)  # (B, T, D)
    if config.family == "vit":
        x = ClassToken(name="class_token", **options)(x)  # (B, 1 + T, D)
    if config.positional_embedding:
        x = PositionEmbedding(config.positional_embedding, name="position", **options)(x)
    x = keras.layers.Dropout(config.dropout, name="dropout", **options)(x)
    rates = config.stochastic_depth_rates
    sizes = zip(config.block_heads, config.block_head_dims, rates, strict=True)
    for i, (heads, head_dim, rate) in enumerate(sizes):
        x = EncoderBlock(
            num_heads=heads,
            head_dim=head_dim,
            mlp_ratio=config.mlp_ratio,
            norm=config.norm,
            dropout=config.dropout,
            attention_dropout=config.attention_dropout,
            stochastic_depth=rate,
            name=f"block{config.conv_prefix + i:02d}",
            **options,
        )(x)
    x = LayerNorm(epsilon=EPSILON, name="norm", **options)(x)
    if config.token_pooling:
        x = pooling(config.token_pooling, options)(x)  # (B, D)
    elif config.family != "vit":
        x = keras.layers.Reshape((height, width, config.embed_dim), name="map", **options)(x)
    if config.include_top:
        x = keras.layers.Dense(
            config.classes,
            activation=config.classifier_activation,
            kernel_initializer=normal,
            dtype=_float32_of(policy),
            name="classifier",
        )(x)  # (B, classes)
    return inputs, x


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


def tokenizer(config, options):
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


def pooling(kind, options):
    """(B, T, D) -> (B, D)."""
    if kind == "sequence":
        return SequencePooling(name="pooling", **options)
    if kind == "avg":
        return keras.layers.GlobalAveragePooling1D(name="pooling", **options)
    if kind == "max":
        return keras.layers.GlobalMaxPooling1D(name="pooling", **options)
    return FirstToken(name="pooling", **options)


def create_model(variant, /, *, weights=None, name=None, dtype=None, **changes):
    """Builds a model by name.

    Args:
        variant: a name of `list_models()`, or any other of the grammar
            `cct_SIZE_KERNELxLAYERS_IMAGE`, e.g. `"cct_14_3x1_64"`.
        weights: the tag of trained weights (`list_models(weights=True)`, e.g. `"cifar10"`),
            whose model's numbers are then the defaults; or the path of a `.pth` (or `.pt`)
            checkpoint of the authors' layout, a `.safetensors` file of that or our own, or a
            `.weights.h5` or `.keras` file of the same architecture. Tags, checkpoints and
            safetensors are adapted to other images and classes, see
            `weights.load_pytorch_checkpoint`. Default: fresh weights.
        name: of the Keras model. Default: `variant`.
        dtype: policy, e.g. `"mixed_bfloat16"`. Default: Keras' global one.
        **changes: any field of `CCTConfig`, e.g. `heads=64, classes=100`.

    Returns:
        A `CCT`.

    Raises:
        ValueError: for an unknown name or keyword, values that contradict each other, or
            `weights` that are not there, are broken or do not fit.
        OSError: for weights that could not be downloaded.
    """
    if weights is not None:
        from cctzoo.weights.start import build_with_weights  # which builds on this module

        return build_with_weights(variant, weights, name, dtype, changes)
    return CCT(variant_config(variant, **changes), name=name or variant, dtype=dtype)


def _float32_of(policy):
    """Float32 for a mixed policy; the policy itself where it is plain or goes by path."""
    if isinstance(policy, keras.dtype_policies.DTypePolicyMap):
        return policy
    return policy.variable_dtype


def factory(variant):
    """The function that builds a row of `VARIANTS`, with the row's numbers as defaults."""
    row = VARIANTS[variant]

    def build(*, weights=None, name=None, dtype=None, **changes):
        return create_model(variant, weights=weights, name=name, dtype=dtype, **changes)

    build.__name__ = build.__qualname__ = variant
    build.__doc__ = (
        f"`{variant}`: {row.parameters:,} parameters with {row.classes} classes.\n\n"
        "Keywords are those of `create_model` and the fields of `CCTConfig`."
    )
    options = ["weights", "name", "dtype"], [None, None, None]
    for field in fields(CCTConfig):
        options[0].append(field.name)
        options[1].append(getattr(row.config, field.name))
    build.__signature__ = inspect.Signature(
        [
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=default)
            for option, default in zip(*options, strict=True)
        ]
    )
    return build
