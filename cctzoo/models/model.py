"""The model, from its stem down to the logits."""

import functools
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import keras
import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.layers import EncoderBlock, FirstToken, LayerNorm, MaskedAverage, SequencePooling
from cctzoo.layers.encoder_block import EPSILON
from cctzoo.messages import received
from cctzoo.models.names import check_name
from cctzoo.models.pixel_values import checks_pixels, read_input
from cctzoo.models.positions import block_positions
from cctzoo.models.quantised import quantised_layers
from cctzoo.models.stems import Policy, image_stem, text_stem
from cctzoo.models.variants import Config, config_from_fields
from cctzoo.models.vocabulary import Vocabulary, vocabulary_of
from cctzoo.typing import PathLike, Tensor


@keras.saving.register_keras_serializable(package="cctzoo")
@checks_pixels
class CCT(keras.Model):
    """A compact transformer for images or text, with any number of heads.

    A functional model, a chain of layers: `preprocessing` (image models) or `words` (text
    models), `tokenizer`, `prefix`, `tokens`, `class_token`, `position`, `dropout`, `block00` ...
    `norm`, `pooling`, `classifier`. A layer that the config does not ask for is missing. The
    blocks are numbered over the whole depth: after a convolutional prefix of 3 blocks, the
    first encoder block is `block03`. A text model also has the layers `length` and `mask`:
    attention and pooling ignore padding.

    Args:
        config: a `CCTConfig` (images) or `TextConfig` (text), kept as `model.config`.
        name: name of the model.
        dtype: dtype policy of all layers, e.g. `"mixed_bfloat16"`. Default: Keras' global
            policy. Softmax, the statistics of layer norms and the classifier stay in float32.

    Shapes: images (B, height, width, channels) or token ids (B, length) -> (B, classes).
        With `include_top=False` and no `pooling`: a map (B, H, W, D), or a sequence (B, T, D)
        for text models and for models with a class token.

    Reference: Hassani et al., arXiv 2104.05704; Gross et al., arXiv 2506.23832.
    """

    config: Config

    @checked_arguments
    def __init__(
        self,
        config: Config,
        name: str = "cct",
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        check_name(name)
        policy = policy_of(dtype)
        inputs, outputs = build_graph(config, policy)
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)
        self.config = config
        self.dtype_policy = policy

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """Turns texts into token ids: `model.predict(model.vocabulary(["A text."]))`.

        Raises:
            AttributeError: for an image model.
            ValueError: for a text model that was built without a `vocabulary`.
        """
        return vocabulary_of(self.config)

    def read_images(self, images: PathLike | Sequence[PathLike]) -> np.ndarray:
        """Reads image files as the model's input: `model.predict(model.read_images(paths))`.

        Args:
            images: the path of one image file, or a sequence of paths.

        Returns:
            (height, width, channels) uint8 for one path, (n, height, width, channels) for a
            sequence; see `data.read_images`.

        Raises:
            ValueError: if an image cannot be decoded, or the model has no view: it takes texts
                or normalised values, or was not trained on image files.
            OSError: if a file cannot be read.
        """
        return read_input(self.config, images)

    def get_config(self) -> dict[str, Any]:
        return {
            "config": asdict(self.config),
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self._current_policy()),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "CCT":
        return cls(**{**config, "config": config_from_fields(config["config"])})

    def _current_policy(self):
        """The given policy, with the policies that `quantize` gave to single layers."""
        layers = quantised_layers(self)
        if not layers:
            return self.dtype_policy
        float32 = keras.dtype_policies.DTypePolicy(self.dtype_policy.variable_dtype)
        policies = {"classifier": float32}  # replaced below if the classifier is quantised
        policies |= {layer.path: layer.dtype_policy for layer in layers}
        return keras.dtype_policies.DTypePolicyMap(self.dtype_policy, policies)


def policy_of(dtype: Any) -> keras.DTypePolicy:
    """The dtype policy of Keras that an argument `dtype` names; None is the global policy.

    Raises:
        ValueError: if Keras has no such policy.
    """
    try:
        return keras.dtype_policies.get(dtype)
    except (ValueError, TypeError) as error:
        raise ValueError(
            '`dtype` must be a dtype policy of Keras, e.g. "float32" or "mixed_bfloat16". '
            f"{received(dtype=dtype)}"
        ) from error


def build_graph(config: Config, policy: keras.DTypePolicy) -> tuple[Tensor, Tensor]:
    """The symbolic (inputs, outputs) of a config under a dtype policy."""
    # As plain data: Keras writes no `get_config` for a layer whose argument is a policy object.
    dtype = keras.dtype_policies.serialize(policy)
    stem = text_stem if config.kind == "texts" else image_stem
    inputs, x, mask = stem(config, dtype)  # (B, T, D)
    masks = {} if mask is None else {"mask": mask}  # (B, T)
    x = keras.layers.Dropout(config.dropout, name="dropout", dtype=dtype)(x)
    rates = config.stochastic_depth_rates
    positions = block_positions(config, _float32_of(policy), x)
    blocks = zip(
        config.block_heads, config.block_head_dims, config.block_attention, rates, strict=True
    )
    for number, (heads, head_dim, attention, rate) in enumerate(blocks, config.conv_prefix):
        own = {"position": positions[number]} if positions else {}
        x = EncoderBlock(
            num_heads=heads,
            head_dim=head_dim,
            mlp_ratio=config.mlp_ratio,
            norm=config.norm,
            dropout=config.dropout,
            attention_dropout=config.attention_dropout,
            stochastic_depth=rate,
            attention=attention,
            activation=config.activation,
            mlp_kind=config.mlp_kind,
            grid=config.grid,
            name=f"block{number:02d}",
            dtype=dtype,
        )(x, **masks, **own)
    x = LayerNorm(epsilon=EPSILON, name="norm", dtype=dtype)(x)
    if config.token_pooling:
        x = pooling(config.token_pooling, dtype, x, masks)  # (B, D)
    elif len(config.grid) == 2 and not config.has_class_token:
        shape = (*config.grid, config.embed_dim)
        x = keras.layers.Reshape(shape, name="map", dtype=dtype)(x)
    if config.include_top:
        x = keras.layers.Dense(
            config.classes,
            activation=config.classifier_activation,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
            dtype=_float32_of(policy),
            name="classifier",
        )(x)  # (B, classes)
    return inputs, x


def pooling(kind: str, dtype: Policy, x: Tensor, masks: dict[str, Tensor]) -> Tensor:
    """(B, T, D) -> (B, D)."""
    if kind == "token":
        return FirstToken(name="pooling", dtype=dtype)(x)
    if kind == "max":  # image models only: no mask to apply
        return keras.layers.GlobalMaxPooling1D(name="pooling", dtype=dtype)(x)
    layer = {"sequence": SequencePooling, "avg": MaskedAverage}[kind]
    return layer(name="pooling", dtype=dtype)(x, **masks)


def _float32_of(policy):
    """Float32 for a mixed policy; a plain policy or a map of policies by path as it is."""
    if isinstance(policy, keras.dtype_policies.DTypePolicyMap):
        return policy
    return policy.variable_dtype
