"""One transformer encoder block."""

from collections.abc import Sequence
from typing import Any

import keras

from cctzoo.arguments import checked_layer
from cctzoo.layers.attention.layer import MultiHeadSelfAttention
from cctzoo.layers.functional import ACTIVATIONS, check_activation
from cctzoo.layers.layer_norm import LayerNorm
from cctzoo.layers.stochastic_depth import StochasticDepth
from cctzoo.layers.token_convolution import TokenConvolution
from cctzoo.messages import received, shown
from cctzoo.typing import Tensor

NORMS = ("cct", "pre")
MLP_KINDS = ("dense", "depthwise")
EPSILON = 1e-5  # PyTorch's LayerNorm; Keras' own default is 1e-3


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class EncoderBlock(keras.layers.Layer):
    """Attention, then a two-layer perceptron, each added to the residual stream.

    With `norm="cct"`, the order of the authors' checkpoints, the residual stream itself is
    normalised between the two. `norm="pre"` is the usual pre-norm block.

    Args:
        num_heads, head_dim, attention: as in `MultiHeadSelfAttention`.
        mlp_ratio: width of the perceptron's hidden layer / width D of the stream.
        norm: `"cct"` or `"pre"`.
        dropout: rate after each Dense layer of the perceptron, in [0, 1).
        attention_dropout: `dropout` of `MultiHeadSelfAttention`, in [0, 1).
        stochastic_depth: probability that a residual branch is dropped, in [0, 1].
        seed: integer seed of the block's random states. Default: random.
        activation: of the perceptron's hidden layer: `"gelu"`, `"quick_gelu"`,
            x * sigmoid(1.702 x), or `"relu"`.
        mlp_kind: `"dense"`: the perceptron sees each token by itself; `"depthwise"`: before the
            activation, its hidden layer gets a `TokenConvolution`, which needs a `grid`.
        grid: (height, width) of the map of tokens, or (T,) for texts.

    Call arguments:
        x: (B, T, D).
        position: (1, T, D), added to the normalised tokens that attention gets, and to nothing
            else (LaPE, arXiv 2212.05262).
        mask, head_gates, score_gates, return_attention_scores, return_heads: as in
            `MultiHeadSelfAttention`.
        training: whether dropout and stochastic depth apply.
        return_mlp: also return the perceptron's hidden layer after its activation.

    Returns:
        (B, T, D), or a tuple: (B, T, D), then, in this order and if asked for, the attention
        scores (B, N, T, T), the heads (B, T, N, H) and the hidden layer
        (B, T, mlp_ratio * D).

    Raises:
        ValueError: for an unknown `norm`, `activation` or `mlp_kind`, for `"depthwise"` without
            `grid`, or as in `MultiHeadSelfAttention` and `TokenConvolution`.

    Reference: Hassani et al., arXiv 2104.05704, and the authors' code.
    """

    def __init__(
        self,
        num_heads: int,
        head_dim: int | None = None,
        mlp_ratio: float = 2.0,
        norm: str = "cct",
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth: float = 0.0,
        seed: int | None = None,
        attention: str = "softmax",
        activation: str = "gelu",
        mlp_kind: str = "dense",
        grid: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if norm not in NORMS:
            raise ValueError(f"`norm` must be one of {NORMS}. Received: norm={shown(norm)}")
        check_activation(activation)
        if mlp_kind not in MLP_KINDS:
            raise ValueError(
                f"`mlp_kind` must be one of {MLP_KINDS}. {received(mlp_kind=mlp_kind)}"
            )
        if mlp_kind == "depthwise" and grid is None:
            raise ValueError(
                '`mlp_kind="depthwise"` needs the `grid` of the tokens. '
                f"{received(mlp_kind=mlp_kind, grid=grid)}"
            )
        self.activation = activation
        self.mlp_ratio = mlp_ratio
        self.norm = norm
        options = {"dtype": self.dtype_policy}
        self.attention = MultiHeadSelfAttention(
            num_heads,
            head_dim,
            attention_dropout,
            seed=seed,
            attention=attention,
            name="attention",
            **options,
        )
        self.attention_norm = LayerNorm(epsilon=EPSILON, name="attention_norm", **options)
        self.mlp_norm = LayerNorm(epsilon=EPSILON, name="mlp_norm", **options)
        self.mlp_dropout = keras.layers.Dropout(dropout, seed=seed, **options)
        self.convolution = None
        if mlp_kind == "depthwise":
            self.convolution = TokenConvolution(grid, name="convolution", **options)
        self.stochastic_depth = StochasticDepth(stochastic_depth, seed=seed, **options)
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        width = input_shape[-1]
        hidden = int(width * self.mlp_ratio)
        options = {
            "kernel_initializer": keras.initializers.RandomNormal(stddev=0.02),
            "dtype": self.dtype_policy,
        }
        self.expand = keras.layers.Dense(hidden, name="expand", **options)
        self.contract = keras.layers.Dense(width, name="contract", **options)
        self.attention.build(input_shape)
        self.attention_norm.build(input_shape)
        self.mlp_norm.build(input_shape)
        self.expand.build(input_shape)
        self.contract.build((*input_shape[:-1], hidden))
        if self.convolution:
            self.convolution.build((*input_shape[:-1], hidden))

    def call(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        training: bool = False,
        head_gates: Tensor | None = None,
        score_gates: Tensor | None = None,
        return_attention_scores: bool = False,
        return_heads: bool = False,
        return_mlp: bool = False,
        position: Tensor | None = None,
    ) -> Tensor | tuple[Tensor, ...]:
        normed = self.attention_norm(x)
        attended = self.attention(
            normed if position is None else normed + position,
            mask=mask,
            training=training,
            head_gates=head_gates,
            score_gates=score_gates,
            return_attention_scores=return_attention_scores,
            return_heads=return_heads,
        )
        extras = []
        if return_attention_scores or return_heads:
            attended, *extras = attended
        x = x + self.stochastic_depth(attended, training=training)
        normed = self.mlp_norm(x)
        if self.norm == "cct":
            x = normed  # not a mistake: the residual stream itself
        hidden = self.expand(normed)  # (B, T, mlp_ratio * D)
        if self.convolution:
            hidden = self.convolution(hidden, mask=mask, training=training)
        hidden = ACTIVATIONS[self.activation](hidden)
        contracted = self.contract(self.mlp_dropout(hidden, training=training))
        contracted = self.mlp_dropout(contracted, training=training)
        x = x + self.stochastic_depth(contracted, training=training)
        if return_mlp:
            extras.append(hidden)
        return (x, *extras) if extras else x
