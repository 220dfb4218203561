"""Multi-head self-attention, from 4 heads to 256."""

from typing import Any

import keras
from keras import ops

from cctzoo.arguments import checked_layer
from cctzoo.layers.attention import grouped, scaled_dot_product
from cctzoo.layers.attention.polynomial import grouped as grouped_polynomial
from cctzoo.layers.attention.polynomial import linear
from cctzoo.layers.attention.polynomial.kernel import key_weights, polynomial_scores
from cctzoo.layers.attention.reference import mask_bias, plain_scores
from cctzoo.layers.functional import BACKEND
from cctzoo.messages import shown
from cctzoo.typing import Tensor

if BACKEND == "torch":
    import torch

KINDS = ("softmax", "polynomial")


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class MultiHeadSelfAttention(keras.layers.Layer):
    """Self-attention with one fused query-key-value product, for few heads or many.

    Each head averages the values of all tokens. The weight of a key k for a query q is

        softmax:     exp(q . k / sqrt(H))
        polynomial:  |k|^3 (1.01 |q| |k| + q . k)

    divided by the sum over all keys. The polynomial kernel is a scalar product of H + 1 features
    of q and of k, so that its time and memory grow with T instead of T^2, and fall as the heads
    become narrower. See `docs/polynomial-attention.md`.

    Letters: B batch, T tokens, D width of the input, N heads, H head width.

    Args:
        num_heads: number of heads N, at least 1. Large-scale multi-head attention uses
            about as many heads as there are classes.
        head_dim: width H of a head, at least 1. Default: D / N, which must be an integer.
            N * H may differ from D; the projection maps the heads back to D.
        dropout: rate in [0, 1), in training: of the scores that softmax attention drops, or of
            the keys that each head of polynomial attention drops.
        implementation: `"auto"` (the fastest form for the backend, the size and, in an
            exported graph, the runtime), `"plain"` (stores all scores) or `"fused"` (stores
            one tile of them, or, with polynomial attention, none).
        seed: integer seed of the layer's random state. Default: random.
        attention: `"softmax"` or `"polynomial"`. The weights have the same shapes; a trained
            layer of one kind has to be fine-tuned as the other.

    Call arguments:
        x: (B, T, D).
        mask: boolean, True where a token may be attended to: (B, T) or (B, T, T).
        training: whether dropout applies.
        head_gates: (N,), or a shape that broadcasts to (B, T, N): factors of the heads before
            projection; 0 switches a head off.
        score_gates: (B, N, T, T), factors of the weights of the keys. The gradient in such a
            factor, at 1, is the weight times the gradient in the weight.
        return_attention_scores: also return the weights of the keys, which sum to 1 for each
            query, before dropout.
        return_heads: also return the heads before projection.

    Returns:
        (B, T, D), or a tuple: (B, T, D), then, in this order and if asked for, the scores
        (B, N, T, T) in float32 and the heads (B, T, N, H).

    Raises:
        ValueError: for an argument out of its range, or if D is not a multiple of N and no
            `head_dim` is given.

    Reference: Gross et al., arXiv 2506.23832 (many heads); Hassani et al.,
    arXiv 2104.05704 (query, key and value without bias, projection with bias). The polynomial
    kernel is, to our knowledge, new.
    """

    def __init__(
        self,
        num_heads: int,
        head_dim: int | None = None,
        dropout: float = 0.0,
        implementation: str = "auto",
        seed: int | None = None,
        attention: str = "softmax",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_heads < 1:
            raise ValueError(f"`num_heads` must be at least 1. Received: num_heads={num_heads}")
        if head_dim is not None and head_dim < 1:
            raise ValueError(f"`head_dim` must be at least 1. Received: head_dim={head_dim}")
        if not 0 <= dropout < 1:
            raise ValueError(f"`dropout` must be in [0, 1). Received: dropout={dropout}")
        if attention not in KINDS:
            raise ValueError(
                f"`attention` must be one of {KINDS}. Received: attention={shown(attention)}"
            )
        self.num_heads = num_heads
        self.head_dim = head_dim
        self.dropout = dropout
        self.implementation = implementation
        self.attention = attention
        self.seed_generator = keras.random.SeedGenerator(seed) if dropout > 0 else None
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        width = input_shape[-1]
        if self.head_dim is None:
            if width % self.num_heads:
                raise ValueError(
                    "The input's width must be divisible by `num_heads` unless `head_dim` is "
                    f"given. Received: width={width}, num_heads={self.num_heads}"
                )
            self.head_dim = width // self.num_heads
        inner = self.num_heads * self.head_dim
        initializer = keras.initializers.RandomNormal(stddev=0.02)
        self.qkv = keras.layers.Dense(
            3 * inner,
            use_bias=False,
            kernel_initializer=initializer,
            dtype=self.dtype_policy,
            name="qkv",
        )
        self.projection = keras.layers.Dense(
            width, kernel_initializer=initializer, dtype=self.dtype_policy, name="projection"
        )
        self.qkv.build(input_shape)
        self.projection.build((*input_shape[:-1], inner))

    def call(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        training: bool = False,
        head_gates: Tensor | None = None,
        score_gates: Tensor | None = None,
        return_attention_scores: bool = False,
        return_heads: bool = False,
    ) -> Tensor | tuple[Tensor, ...]:
        qkv = self.qkv(x)  # (B, T, 3*N*H)
        attend = self._polynomial if self.attention == "polynomial" else self._softmax
        heads, scores = attend(qkv, mask, training, return_attention_scores, score_gates)
        if head_gates is not None:
            heads = heads * ops.cast(head_gates, heads.dtype)[..., None]
        inner = self.num_heads * self.head_dim
        merged = ops.reshape(heads, (-1, ops.shape(heads)[1], inner))  # (B, T, N*H)
        outputs = [self.projection(merged)]
        if return_attention_scores:
            outputs.append(scores)
        if return_heads:
            outputs.append(heads)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def group_size(self, tokens: int) -> int:
        """Number of heads that an exported graph computes at a time, for T tokens."""
        if self.attention == "softmax" and self.head_dim <= grouped.NARROW:
            return grouped.group_size(self.num_heads, tokens)
        if self.attention == "polynomial" and linear.is_linear(self.head_dim, tokens):
            return grouped_polynomial.group_size(self.num_heads, self.head_dim, tokens)
        return self.num_heads

    # Both return the heads (B, T, N, H), and the scores (B, N, T, T) or None if not asked for.

    def _softmax(self, qkv, mask, training, return_scores, score_gates):
        narrow = self.head_dim <= grouped.NARROW
        stored = return_scores or score_gates is not None
        if narrow and self._in_groups(qkv, training) and not stored:
            return grouped.attend_in_groups(qkv, self.num_heads, mask_bias(mask)), None
        # Three 3-D slices, then 4-D heads: LiteRT's delegate takes no 5-D tensor.
        query, key, value = (
            self._split_heads(part) for part in ops.split(qkv, 3, axis=-1)
        )  # each (B, N, T, H)
        dropout = self.dropout if training else 0.0
        if stored:
            scores = kept = plain_scores(query, key, mask)  # (B, N, T, T)
            if dropout:
                kept = keras.random.dropout(scores, dropout, seed=self.seed_generator)
            if score_gates is not None:
                kept = kept * score_gates
            heads = ops.matmul(ops.cast(kept, value.dtype), value)
        else:
            scores = None
            heads = scaled_dot_product.attend(
                query,
                key,
                value,
                mask,
                dropout,
                self.seed_generator,
                self.implementation,
                training,
            )  # (B, N, T, H)
        return ops.transpose(heads, (0, 2, 1, 3)), scores

    def _polynomial(self, qkv, mask, training, return_scores, score_gates):
        tokens = ops.shape(qkv)[1]
        # Tokens last, by one transposition of a matrix.
        qkv = ops.reshape(
            ops.transpose(qkv, (0, 2, 1)), (-1, 3 * self.num_heads, self.head_dim, tokens)
        )
        weights, scores = key_weights(mask), None
        if return_scores:
            query, key, _ = ops.split(qkv, 3, axis=1)  # each (B, N, H, T)
            scores = polynomial_scores(query, key, weights)
        if self.dropout and training:
            shape = (ops.shape(qkv)[0], self.num_heads, 1, tokens)
            weights = key_weights(mask, self.dropout, self.seed_generator, shape)
        if score_gates is not None:
            query, key, value = ops.split(qkv, 3, axis=1)
            kept = polynomial_scores(query, key, weights) * score_gates  # with dropped keys
            heads = ops.matmul(value, ops.swapaxes(ops.cast(kept, value.dtype), -1, -2))
        elif self._in_groups(qkv, training) and linear.is_linear(*qkv.shape[-2:], weights):
            heads = grouped_polynomial.attend_in_groups(qkv, self.num_heads, weights)
        else:
            heads = linear.attend(*ops.split(qkv, 3, axis=1), weights, self.implementation)
        return ops.transpose(heads, (0, 3, 1, 2)), scores

    def _in_groups(self, x, training):
        """Whether to attend by groups of heads: in inference, as runtimes are fastest.

        Always under TensorFlow; under PyTorch, which has a fused form, in an export only, and not
        for polynomial attention: ONNX Runtime needs the same time for its linear form.
        """
        if training or self.implementation != "auto":
            return False
        if BACKEND == "torch":
            exported = torch.compiler.is_exporting() and self.attention == "softmax"
        else:
            exported = BACKEND == "tensorflow"
        if not exported:
            return False
        return None not in x.shape[1:]

    def _split_heads(self, x):
        """(B, T, N*H) -> (B, N, T, H)."""
        x = ops.reshape(x, (-1, ops.shape(x)[1], self.num_heads, self.head_dim))
        return ops.transpose(x, (0, 2, 1, 3))
