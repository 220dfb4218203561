"""Text models: word vectors of token ids, and the lengths that tell words from padding."""

from typing import Any

import keras
from keras import ops

from cctzoo.arguments import checked_layer
from cctzoo.layers.functional import length_mask
from cctzoo.typing import Tensor


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class TextLength(keras.layers.Layer):
    """The length of each text: the number of ids up to the last one that is not padding.

    The length of an empty text is 1, so that attention has one token.

    Args:
        padding_id: the id that fills up short texts.

    Shapes: ids (B, L) integers -> (B, 1) int32.
    """

    def __init__(self, padding_id: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding_id = padding_id

    def call(self, ids: Tensor) -> Tensor:
        positions = ops.arange(1, ids.shape[1] + 1, dtype="int32")
        words = ops.cast(ops.not_equal(ids, self.padding_id), "int32")
        return ops.maximum(ops.max(words * positions, axis=1, keepdims=True), 1)


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class TokenMask(keras.layers.Layer):
    """The mask of the tokens that are not padding.

    Args:
        tokens: length T of the sequence, `extra` included.
        extra: number of tokens before the text, e.g. 1 for a class token.

    Shapes: length (B, 1) integers -> (B, T) boolean.
    """

    def __init__(self, tokens: int, extra: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tokens = tokens
        self.extra = extra

    def call(self, length: Tensor) -> Tensor:
        return length_mask(length + self.extra, self.tokens)


# Standard deviation of new word vectors. PyTorch's default, which the authors use, is 1; the
# vectors of rare words then stay noise: test accuracy of the docstrings preset 71.7 %, with 0.1
# 76.3 % (one run each, under JAX; see docs/benchmarks/accuracy.md).
DEVIATION = 0.1


@keras.saving.register_keras_serializable(package="cctzoo")
@checked_layer
class WordEmbedding(keras.layers.Layer):
    """Looks up a trained vector for each word; padding gets zeros.

    Args:
        vocabulary_size: number of ids; every id must be less than this.
        word_dim: width of the vectors.
        padding_id: the id whose vector is always zeros, or None for no padding.

    Shapes: ids (B, L) integers -> (B, L, word_dim).

    Reference: the authors' code of arXiv 2104.05704, `Embedder`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        word_dim: int,
        padding_id: int | None = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.padding_id = padding_id
        self.table = keras.layers.Embedding(
            vocabulary_size,
            word_dim,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=DEVIATION),
            dtype=self.dtype_policy,
            name="table",
        )

    def build(self, ids_shape: tuple[int | None, ...]) -> None:
        self.table.build(ids_shape)

    def call(self, ids: Tensor) -> Tensor:
        x = self.table(ids)
        if self.padding_id is None:
            return x
        words = ops.not_equal(ids, self.padding_id)
        return x * ops.cast(ops.expand_dims(words, -1), x.dtype)
