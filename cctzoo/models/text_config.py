"""TextConfig: every number that fixes a model for texts, checked once."""

import dataclasses
import reprlib
from collections.abc import Sequence
from typing import ClassVar

from cctzoo.layers.conv_prefix import KINDS as PREFIX_KINDS
from cctzoo.layers.text_tokenizer import text_tokens
from cctzoo.models.encoder_config import EncoderConfig, is_count, is_integer
from cctzoo.settings import setting

TOKEN_IMAGE_FILTERS = 8  # channels between the convolutions of kind "token_image"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextConfig(EncoderConfig):
    """One architecture of the compact transformer family, for texts as token ids.

    Args:
        family: `"text_cct"` (convolution over neighbouring words with pooling, sequence
            pooling), `"text_cvt"` (patches of words, sequence pooling), `"text_vit"`
            (patches, class token) or `"text_transformer"` (words as they are, class token).
        vocabulary_size: number of ids, from 0.
        vocabulary: the words of the ids 2, 3, ..., for models that know their own words (see
            `models.Vocabulary`); they are `vocabulary_size` less 2. 0 stands for all others.
        length: ids that a text is cut to or filled up to.
        padding_id: the id that fills texts up and never changes what the model says, or None:
            then all ids are words, as in the authors' code.
        word_dim: width of the word vectors; `embed_dim` in a text_transformer.
        kernel_size: words that a kernel (text_cct) or patch spans; 1 in a text_transformer.
        prefix_filters: channels after each prefix block, the last `embed_dim`. Default:
            `embed_dim`. Of `"token_image"`: channels within each block, 8 by default.
        prefix_kind: `"vgg"`, `"depthwise"` or `"token_image"`, see `layers.ConvPrefix` and
            `layers.TokenImagePrefix`; the last does not pool.

    The others are those of `EncoderConfig`.

    Raises:
        ValueError: for values that contradict each other, naming the rule.

    Reference: Hassani et al., arXiv 2104.05704, and the authors' code.
    """

    family: str = "text_cct"
    vocabulary_size: int = setting(20_000, "number of token ids, the two special ones included")
    vocabulary: Sequence[str] | None = dataclasses.field(default=None, repr=False)
    length: int = setting(64, "token ids per text: longer texts are cut, shorter ones padded")
    padding_id: int | None = 1
    word_dim: int = 300
    kernel_size: int = setting(2, "words in a kernel or patch of a text model")
    positional_embedding: str | None = "sine"
    classes: int = 2

    kind: ClassVar[str] = "texts"
    FAMILIES = ("text_cct", "text_cvt", "text_vit", "text_transformer")
    CLASS_TOKEN = ("text_vit", "text_transformer")
    PREFIX_KINDS = (*PREFIX_KINDS, "token_image")
    LEAST_SIDE = 8

    def _check_prefix(self):
        if self.prefix_kind != "token_image":
            super()._check_prefix()
            return
        self._require(
            self.prefix_filters is None
            or (
                len(self.prefix_filters) == self.conv_prefix
                and all(map(is_count, self.prefix_filters))
            ),
            "`prefix_filters` must hold `conv_prefix` positive integers.",
            "prefix_filters",
            "conv_prefix",
        )
        self._require(
            not self.prefix_pool,
            '`prefix_pool` must be empty for `prefix_kind="token_image"`, which does not pool.',
            "prefix_pool",
        )

    def _check_input(self):
        self._check_counts("vocabulary_size", "length", "word_dim")
        self._check_choices(pooling=(None, "sequence", "token", "avg"))
        self._require(
            self.padding_id is None
            or (is_integer(self.padding_id) and 0 <= self.padding_id < self.vocabulary_size),
            "`padding_id` must be None or an id, from 0 to `vocabulary_size` - 1.",
            "padding_id",
            "vocabulary_size",
        )
        words = self.vocabulary
        if words is not None and not (
            isinstance(words, tuple) and all(isinstance(word, str) for word in words)
        ):
            raise ValueError(
                "`vocabulary` must be a sequence of str. "
                f"Received: vocabulary={reprlib.repr(words)}"
            )
        if words is not None and len(words) + 2 != self.vocabulary_size:
            raise ValueError(
                "`vocabulary` must hold the words of all ids but 0 and 1, `vocabulary_size` less "
                f"2. Received: {len(words)} words, vocabulary_size={self.vocabulary_size}"
            )
        self._require(
            words is None or self.padding_id == 1,
            "`padding_id` must be 1 in a model with a `vocabulary`.",
            "padding_id",
        )
        if self.family == "text_transformer":
            self._require(
                self.kernel_size == 1 and self.word_dim == self.embed_dim,
                "A text_transformer must have `kernel_size` 1 and word vectors as wide as the "
                "stream: nothing stands between.",
                "kernel_size",
                "word_dim",
                "embed_dim",
            )
        least = self.kernel_size
        self._require(
            self.length >= least,
            f"`length` must be at least the words that a kernel spans, {least}.",
            "length",
            "kernel_size",
        )

    @property
    def input_shape(self):
        """(length,) of the token ids."""
        return (self.length,)

    @property
    def block_filters(self):
        """Channels after each prefix block; of `"token_image"`, within it."""
        wide = TOKEN_IMAGE_FILTERS if self.prefix_kind == "token_image" else self.embed_dim
        return self.prefix_filters or (wide,) * self.conv_prefix

    @property
    def block_pool(self):
        """Prefix blocks before which the sequence is halved."""
        return () if self.prefix_kind == "token_image" else super().block_pool

    @property
    def tokenizer_filters(self):
        """Width of what comes out of the tokenizer."""
        return self.embed_dim

    @property
    def tokenizer_grids(self):
        """(tokens,) after the tokenizer."""
        if self.family == "text_transformer":
            return [(self.length,)]
        return [(text_tokens(self.length, self.kernel_size, self.family == "text_cct"),)]

    @property
    def grids(self):
        """(tokens,) after the tokenizer, then after each prefix block."""
        grids = self.tokenizer_grids
        for i in range(self.conv_prefix):
            (tokens,) = grids[-1]
            grids.append(((tokens + 1) // 2 if i in self.block_pool else tokens,))
        return grids
