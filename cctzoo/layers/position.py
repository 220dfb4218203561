"""Position embedding: learned vectors or fixed sines."""

from typing import Any

import keras
import numpy as np
from keras import ops

from cctzoo.arguments import checked_layer
from cctzoo.messages import shown
from cctzoo.typing import Array, Tensor

KINDS = ("learnable", "sine")


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class PositionEmbedding(keras.layers.Layer):
    """Adds to every token a vector that depends only on its position, or returns the vectors.

    Args:
        kind: `"learnable"` (one trained vector per position, initially normal with standard
            deviation 0.2) or `"sine"` (fixed; see `sinusoidal_positions`).
        zero_first: whether the first token gets zeros and the sines start at the second, as
            in the authors' text models.
        added: False: return the vectors in place of their sum with the tokens.

    Shapes: (B, T, D) -> (B, T, D), or (1, T, D) if they are not added; T and D must be static.

    Raises:
        ValueError: for an unknown `kind`, or if T or D is unknown when the layer is built.

    Reference: Hassani et al., arXiv 2104.05704; Vaswani et al., arXiv 1706.03762.
    """

    def __init__(
        self,
        kind: str = "learnable",
        zero_first: bool = False,
        added: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if kind not in KINDS:
            raise ValueError(f"`kind` must be one of {KINDS}. Received: kind={shown(kind)}")
        self.kind = kind
        self.zero_first = zero_first
        self.added = added
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        tokens, width = input_shape[1:]
        if tokens is None or width is None:
            raise ValueError(
                "The number of tokens and their width must be known. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        if self.kind == "learnable":
            # The authors call PyTorch's trunc_normal_, which cuts at +-2: ten standard
            # deviations, so in effect a normal distribution. Keras' TruncatedNormal cuts at
            # two standard deviations.
            self.embedding = self.add_weight(
                shape=(1, tokens, width),
                initializer=keras.initializers.RandomNormal(stddev=0.2),
                name="embedding",
            )
        else:
            self.embedding = sinusoidal_positions(tokens, width, self.zero_first)[None]

    def call(self, x: Tensor) -> Tensor:
        positions = ops.cast(self.embedding, x.dtype)
        return x + positions if self.added else positions

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return tuple(input_shape) if self.added else (1, *input_shape[1:])


def sinusoidal_positions(tokens: int, width: int, zero_first: bool = False) -> Array:
    """Sines on even and cosines on odd channels: (tokens, width), float32.

    The angle at position p and channel i is p / 10000^(2 (i // 2) / width). With `zero_first`,
    the first row is zeros and position 0 is the second row.
    """
    if zero_first:
        return np.pad(sinusoidal_positions(tokens - 1, width), ((1, 0), (0, 0)))
    position = np.arange(tokens)[:, None]  # (T, 1)
    channel = np.arange(width)[None, :]  # (1, D)
    angle = position / 10000 ** (2 * (channel // 2) / width)
    return np.where(channel % 2 == 0, np.sin(angle), np.cos(angle)).astype("float32")
