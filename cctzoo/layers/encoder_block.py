"""One transformer encoder block."""

import keras

from cctzoo.layers.attention.layer import MultiHeadSelfAttention
from cctzoo.layers.functional import gelu
from cctzoo.layers.layer_norm import LayerNorm
from cctzoo.layers.stochastic_depth import StochasticDepth

NORMS = ("cct", "pre")
EPSILON = 1e-5  # PyTorch's LayerNorm; Keras' own default is 1e-3


@keras.saving.register_keras_serializable(package="cctzoo")
class EncoderBlock(keras.layers.Layer):
    """Attention, then a two-layer perceptron, each beside a residual stream.

    With `norm="cct"`, the order that the authors' checkpoints were trained in, the stream
    itself is normalised between the two; `norm="pre"` is the clean pre-norm block.

    Args:
        num_heads, head_dim, attention_dropout: of `MultiHeadSelfAttention`.
        mlp_ratio: width of the perceptron's hidden layer, in widths of the stream.
        norm: `"cct"` or `"pre"`.
        dropout: rate after each Dense layer of the perceptron, in [0, 1).
        stochastic_depth: probability that a residual branch is dropped, in [0, 1].
        seed: integer seed of the block's random states.

    Shapes: (B, T, D) -> (B, T, D); `mask`, `head_gates`, `return_attention_scores` and
    `return_heads` as in `MultiHeadSelfAttention`; with `return_mlp` the perceptron's hidden
    layer after GELU follows, (B, T, mlp_ratio * D).

    Reference: Hassani et al., arXiv 2104.05704, and the authors' code.
    """

    def __init__(
        self,
        num_heads,
        head_dim=None,
        mlp_ratio=2.0,
        norm="cct",
        dropout=0.0,
        attention_dropout=0.0,
        stochastic_depth=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if norm not in NORMS:
            raise ValueError(f"`norm` must be one of {NORMS}. Received: norm={norm!r}")
        self.mlp_ratio = mlp_ratio
        self.norm = norm
        options = {"dtype": self.dtype_policy}
        self.attention = MultiHeadSelfAttention(
            num_heads, head_dim, attention_dropout, seed=seed, name="attention", **options
        )
        self.attention_norm = LayerNorm(epsilon=EPSILON, name="attention_norm", **options)
        self.mlp_norm = LayerNorm(epsilon=EPSILON, name="mlp_norm", **options)
        self.mlp_dropout = keras.layers.Dropout(dropout, seed=seed, **options)
        self.stochastic_depth = StochasticDepth(stochastic_depth, seed=seed, **options)
        self.supports_masking = True

    def build(self, input_shape):
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

    def call(
        self,
        x,
        mask=None,
        training=False,
        head_gates=None,
        return_attention_scores=False,
        return_heads=False,
        return_mlp=False,
    ):
        attended = self.attention(
            self.attention_norm(x),
            mask=mask,
            training=training,
            head_gates=head_gates,
            return_attention_scores=return_attention_scores,
            return_heads=return_heads,
        )
        extras = []
        if return_attention_scores or return_heads:
            attended, *extras = attended
        x = x + self.stochastic_depth(attended, training=training)
        normed = self.mlp_norm(x)
        if self.norm == "cct":
            x = normed  # yes: the residual stream itself
        hidden = gelu(self.expand(normed))  # (B, T, mlp_ratio * D)
        contracted = self.contract(self.mlp_dropout(hidden, training=training))
        contracted = self.mlp_dropout(contracted, training=training)
        x = x + self.stochastic_depth(contracted, training=training)
        if return_mlp:
            extras.append(hidden)
        return (x, *extras) if extras else x
