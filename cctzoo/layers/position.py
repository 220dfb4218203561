"""Position embedding: learned, or fixed sines."""

import keras
import numpy as np
from keras import ops

KINDS = ("learnable", "sine")


@keras.saving.register_keras_serializable(package="cctzoo")
class PositionEmbedding(keras.layers.Layer):
    """Adds to every token a vector that depends on its place in the sequence only.

    Args:
        kind: `"learnable"` (one trained vector per place, drawn with deviation 0.2) or
            `"sine"` (fixed; see `sinusoidal_positions`).
        zero_first: whether the sines start at the second token and the first gets zeros, as
            in the authors' text models.

    Shapes: (B, T, D) -> the same; T and D have to be known.

    Reference: Hassani et al., arXiv 2104.05704; Vaswani et al., arXiv 1706.03762.
    """

    def __init__(self, kind="learnable", zero_first=False, **kwargs):
        super().__init__(**kwargs)
        if kind not in KINDS:
            raise ValueError(f"`kind` must be one of {KINDS}. Received: kind={kind!r}")
        self.kind = kind
        self.zero_first = zero_first
        self.supports_masking = True

    def build(self, input_shape):
        tokens, width = input_shape[1:]
        if tokens is None or width is None:
            raise ValueError(
                "The number of tokens and their width must be known. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        if self.kind == "learnable":
            # PyTorch's trunc_normal_, which the authors call, cuts at +-2, here ten
            # deviations: a plain normal. Keras' TruncatedNormal would cut at two.
            self.embedding = self.add_weight(
                shape=(1, tokens, width),
                initializer=keras.initializers.RandomNormal(stddev=0.2),
                name="embedding",
            )
        else:
            self.embedding = sinusoidal_positions(tokens, width, self.zero_first)[None]

    def call(self, x):
        return x + ops.cast(self.embedding, x.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape


def sinusoidal_positions(tokens, width, zero_first=False):
    """Sines on even and cosines on odd channels: (tokens, width), float32.

    Place p, channel i: angle p / 10000^(2 (i // 2) / width). With `zero_first` a row of
    zeros comes before place 0.
    """
    if zero_first:
        return np.pad(sinusoidal_positions(tokens - 1, width), ((1, 0), (0, 0)))
    place = np.arange(tokens)[:, None]  # (T, 1)
    channel = np.arange(width)[None, :]  # (1, D)
    angle = place / 10000 ** (2 * (channel // 2) / width)
    return np.where(channel % 2 == 0, np.sin(angle), np.cos(angle)).astype("float32")
