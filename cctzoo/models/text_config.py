"""TextConfig: the settings of a text model."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

from cctzoo.layers.conv_prefix import KINDS as PREFIX_KINDS
from cctzoo.layers.text_tokenizer import text_tokens
from cctzoo.messages import received
from cctzoo.models.encoder_config import EncoderConfig
from cctzoo.models.field_checks import require, require_choices, require_counts
from cctzoo.plain_values import is_count, is_integer
from cctzoo.settings import setting

TOKEN_IMAGE_FILTERS = 8  # channels inside the blocks of prefix kind "token_image"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextConfig(EncoderConfig):
    """The architecture of a compact transformer for text, given as token ids.

    Args:
        family: `"text_cct"` (convolution over neighbouring words with pooling, sequence
            pooling), `"text_cvt"` (patches of words, sequence pooling), `"text_vit"`
            (patches, class token) or `"text_transformer"` (one token per word, class token).
        vocabulary_size: number of ids.
        vocabulary: the words of the ids 2, 3, ..., `vocabulary_size - 2` words; id 0 stands
            for all other words. With it, `model.vocabulary` is a `models.Vocabulary`, which
            turns texts into ids. Default: the model takes ids only.
        length: number of ids of a text; longer texts are cut, shorter ones filled up.
        padding_id: the id that fills up short texts and never changes the output. None: there
            is no padding and every id is a word, as in the authors' code.
        word_dim: width of the word vectors; must be `embed_dim` for a text_transformer.
        kernel_size: number of words in a kernel (text_cct) or a patch; 1 for a
            text_transformer.
        prefix_filters: channels after each prefix block; the last number is `embed_dim`.
            Default: `embed_dim` for every block. For `"token_image"`: channels inside each
            block, 8 by default.
        prefix_kind: `"vgg"`, `"depthwise"` (see `layers.ConvPrefix`) or `"token_image"` (see
            `layers.TokenImagePrefix`), which does not pool.

    The other arguments are those of `EncoderConfig`.

    Raises:
        ValueError: for a value out of its range, or values that contradict each other.

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
    FAMILIES: ClassVar[tuple[str, ...]] = ("text_cct", "text_cvt", "text_vit", "text_transformer")
    CLASS_TOKEN: ClassVar[tuple[str, ...]] = ("text_vit", "text_transformer")
    PREFIX_KINDS: ClassVar[tuple[str, ...]] = (*PREFIX_KINDS, "token_image")
    LEAST_SIDE: ClassVar[int] = 8

    def _check_prefix(self):
        if self.prefix_kind != "token_image":
            super()._check_prefix()
            return
        require(
            self,
            self.prefix_filters is None
            or (
                isinstance(self.prefix_filters, tuple)
                and len(self.prefix_filters) == self.conv_prefix
                and all(map(is_count, self.prefix_filters))
            ),
            "`prefix_filters` must hold `conv_prefix` positive integers.",
            "prefix_filters",
            "conv_prefix",
        )
        require(
            self,
            self.prefix_pool in (None, ()),
            '`prefix_pool` must be empty for `prefix_kind="token_image"`, which does not pool.',
            "prefix_pool",
        )

    def _check_input(self):
        require_counts(self, vocabulary_size="labels", length="positions", word_dim="weights")
        require_choices(self, pooling=(None, "sequence", "token", "avg"))
        require(
            self,
            self.padding_id is None
            or (is_integer(self.padding_id) and 0 <= self.padding_id < self.vocabulary_size),
            "`padding_id` must be None or an id from 0 to `vocabulary_size` - 1.",
            "padding_id",
            "vocabulary_size",
        )
        words = self.vocabulary
        if words is not None and not (
            isinstance(words, tuple) and all(isinstance(word, str) for word in words)
        ):
            raise ValueError(
                f"`vocabulary` must be a sequence of str. {received(vocabulary=words)}"
            )
        if words is not None and len(words) + 2 != self.vocabulary_size:
            raise ValueError(
                "`vocabulary` must hold `vocabulary_size` - 2 words: the words of all ids except "
                f"0 and 1. Received: {len(words)} words, vocabulary_size={self.vocabulary_size}"
            )
        require(
            self,
            words is None or self.padding_id == 1,
            "`padding_id` must be 1 if a `vocabulary` is given.",
            "padding_id",
        )
        if self.family == "text_transformer":
            require(
                self,
                self.kernel_size == 1 and self.word_dim == self.embed_dim,
                "A text_transformer must have `kernel_size=1` and `word_dim` equal to `embed_dim`: "
                "no layer stands between the word vectors and the residual stream.",
                "kernel_size",
                "word_dim",
                "embed_dim",
            )
        require(
            self,
            self.length >= self.kernel_size,
            "`length` must be at least `kernel_size`: the kernel must fit into a text.",
            "length",
            "kernel_size",
        )

    @property
    def input_shape(self) -> tuple[int]:
        """(length,)."""
        return (self.length,)

    @property
    def block_filters(self) -> tuple[int, ...]:
        """Channels after each prefix block, or inside each for `"token_image"`."""
        wide = TOKEN_IMAGE_FILTERS if self.prefix_kind == "token_image" else self.embed_dim
        return self.prefix_filters or (wide,) * self.conv_prefix

    @property
    def block_pool(self) -> tuple[int, ...]:
        """Indices of the prefix blocks whose input is halved."""
        return () if self.prefix_kind == "token_image" else super().block_pool

    @property
    def tokenizer_filters(self) -> int:
        """Width of the tokenizer's output."""
        return self.embed_dim

    @property
    def tokenizer_grids(self) -> list[tuple[int]]:
        """(tokens,) after the tokenizer."""
        if self.family == "text_transformer":
            return [(self.length,)]
        return [(text_tokens(self.length, self.kernel_size, self.family == "text_cct"),)]

    @property
    def grids(self) -> list[tuple[int]]:
        """(tokens,) after the tokenizer, then after each prefix block."""
        grids = self.tokenizer_grids
        for i in range(self.conv_prefix):
            (tokens,) = grids[-1]
            grids.append(((tokens + 1) // 2 if i in self.block_pool else tokens,))
        return grids
