"""The model: the graph, read from its stem down to the logits, and its factories."""

from dataclasses import asdict

import keras

from cctzoo.layers import EncoderBlock, FirstToken, LayerNorm, SequencePooling
from cctzoo.layers.encoder_block import EPSILON
from cctzoo.models.quantised import quantised_layers
from cctzoo.models.stems import image_stem, text_stem
from cctzoo.models.variants import config_from
from cctzoo.models.vocabulary import vocabulary_of


@keras.saving.register_keras_serializable(package="cctzoo")
class CCT(keras.Model):
    """A compact transformer for images or texts, with any number of heads.

    A functional model, chained layer by layer: `preprocessing` (images) or `words` (texts),
    `tokenizer`, `prefix`, `tokens`, `class_token`, `position`, `dropout`, `block00` ...
    (numbered in `depth`, so that those that a convolutional prefix of 3 leaves start at
    `block03`), `norm`, `pooling`, `classifier`. Layers that a config does not ask for are not
    there. Beside the chain, a model for texts has `length` and `mask`: padding is neither
    attended to nor pooled.

    Args:
        config: a `CCTConfig` or a `TextConfig`, kept as `model.config`.
        name: of the model.
        dtype: policy of all layers, e.g. `"mixed_bfloat16"`. Default: Keras' global one.
            Softmax, layer norms' statistics and the classifier stay in float32.

    Shapes: images (B, height, width, channels) or token ids (B, length) -> (B, classes);
    without top and pooling a map (B, H, W, D), or the sequence (B, T, D) of a text or where
    there is a class token.

    Reference: Hassani et al., arXiv 2104.05704; Gross et al., arXiv 2506.23832.
    """

    def __init__(self, config, name="cct", dtype=None, **kwargs):
        policy = keras.dtype_policies.get(dtype)
        inputs, outputs = build_graph(config, policy)
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)
        self.config = config
        self.dtype_policy = policy

    @property
    def vocabulary(self):
        """The `Vocabulary` of a model for texts that knows its words: texts to ids."""
        return vocabulary_of(self.config)

    def get_config(self):
        return {
            "config": asdict(self.config),
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self._current_policy()),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**{**config, "config": config_from(config["config"])})

    def _current_policy(self):
        """The policy given, and by path what `quantize` has made of single layers."""
        layers = quantised_layers(self)
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
    stem = text_stem if config.kind == "texts" else image_stem
    inputs, x, mask = stem(config, options)  # (B, T, D)
    masks = {} if mask is None else {"mask": mask}  # (B, T)
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
        )(x, **masks)
    x = LayerNorm(epsilon=EPSILON, name="norm", **options)(x)
    if config.token_pooling:
        x = pooling(config.token_pooling, options, x, masks)  # (B, D)
    elif len(config.grid) == 2 and not config.has_class_token:
        shape = (*config.grid, config.embed_dim)
        x = keras.layers.Reshape(shape, name="map", **options)(x)
    if config.include_top:
        x = keras.layers.Dense(
            config.classes,
            activation=config.classifier_activation,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
            dtype=_float32_of(policy),
            name="classifier",
        )(x)  # (B, classes)
    return inputs, x


def pooling(kind, options, x, masks):
    """(B, T, D) -> (B, D)."""
    if kind == "token":
        return FirstToken(name="pooling", **options)(x)
    if kind == "max":  # of images, which have no mask
        return keras.layers.GlobalMaxPooling1D(name="pooling", **options)(x)
    layer = {"sequence": SequencePooling, "avg": keras.layers.GlobalAveragePooling1D}[kind]
    return layer(name="pooling", **options)(x, **masks)


def _float32_of(policy):
    """Float32 for a mixed policy; the policy itself where it is plain or goes by path."""
    if isinstance(policy, keras.dtype_policies.DTypePolicyMap):
        return policy
    return policy.variable_dtype
