"""EncoderConfig: the settings that image and text models share."""

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar

from cctzoo import limits
from cctzoo.layers.attention.layer import KINDS
from cctzoo.layers.encoder_block import MLP_KINDS, NORMS
from cctzoo.layers.functional import ACTIVATIONS
from cctzoo.layers.position import KINDS as POSITION_KINDS
from cctzoo.models.class_names import check_class_names
from cctzoo.models.field_checks import (
    check_blocks,
    require,
    require_choices,
    require_counts,
)
from cctzoo.models.size import check_size
from cctzoo.plain_values import is_count, is_integer, is_number, make_plain
from cctzoo.settings import option, options, setting

POOLINGS = (None, "sequence", "token", "avg", "max")


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Settings of the encoder and the classifier, shared by image and text models.

    Args:
        depth: number of blocks; the first `conv_prefix` of them are convolutions.
        embed_dim: width D of the residual stream.
        heads: attention heads of every encoder block, or a sequence with one number per
            encoder block (there are `depth - conv_prefix` of them).
        head_dim: width of a head, or a sequence with one number per encoder block. Default:
            `embed_dim / heads`.
        attention: `"softmax"` or `"polynomial"`, whose cost falls with more heads (see
            `layers.MultiHeadSelfAttention`), or a sequence with one of them per encoder block.
        mlp_ratio: hidden width of the perceptrons / `embed_dim`.
        mlp_kind: `"dense"`: the perceptrons see each token by itself; `"depthwise"`: their hidden
            layer gets a depthwise convolution of 3x3 tokens, or of 3 tokens of a text (see
            `layers.TokenConvolution`). Not for families with a class token.
        activation: of the perceptrons and of a `"token_image"` prefix: `"gelu"`,
            `"quick_gelu"`, x * sigmoid(1.702 x), for runtimes without GELU such as
            TensorFlow Lite Micro, or `"relu"`. The convolutions of the tokenizer and of the other
            prefixes have ReLU. The weights have the same shapes; a trained model has to be
            fine-tuned for another activation.
        conv_prefix: number of initial blocks that are convolutions.
        prefix_kind: kind of the convolution blocks, e.g. `"vgg"` or `"depthwise"`, see
            `layers.ConvPrefix`.
        prefix_filters: channels after each prefix block; the last number is `embed_dim`.
        prefix_pool: indices of the prefix blocks whose input is halved. Default: the last two
            blocks, or fewer, so that at least 4 x 4 tokens of an image or 8 tokens of a text
            remain.
        positional_embedding: `"learnable"`, `"sine"` or None.
        positional_join: `"stream"`: the positions are added to the tokens before the first
            encoder block. `"layer"`: the stream has no positions; each encoder block normalises
            those of the block before it, and adds them to the input of its attention (LaPE).
        norm: `"cct"` (the order of the authors' checkpoints) or `"pre"`.
        dropout, attention_dropout: rates in [0, 1).
        stochastic_depth: drop rate of the last block, in [0, 1); rises linearly from 0 at the
            first block.
        include_top: whether the model ends with pooling and classifier.
        pooling: `"sequence"`, `"token"` (families with a class token), `"avg"` or `"max"` over
            the tokens. Default: with `include_top`, `"token"` for families with a class token
            and `"sequence"` for the others; no pooling without `include_top`.
        classes: number of classes.
        classifier_activation: `"softmax"` (the classes exclude each other), `"sigmoid"` (each
            output is an independent label: binary and multi-label models) or None (logits; a
            single logit is a binary model). One class with `"softmax"` is refused.
        class_names: one name per class, which predictions and exported files carry; for a single
            output also two, of the decisions 0 and 1. Training takes them from the data.

    Numbers and arrays of NumPy are accepted, and stored as Python's numbers and tuples.

    Raises:
        ValueError: for a value out of its range or of another type, for values that contradict
            each other, or for a model that exceeds one of the `limits`.
    """

    depth: int = setting(7, "number of blocks, convolutional prefix included")
    embed_dim: int = setting(256, "width of the residual stream")
    heads: int | Sequence[int] = setting(
        4, "attention heads of every encoder block, or a list with one number per encoder block"
    )
    head_dim: int | Sequence[int] | None = setting(
        None, "width of a head, or a list with one number per encoder block (embed_dim / heads)"
    )
    attention: str | Sequence[str] = setting(
        "softmax", "softmax or polynomial, or a list with one of them per encoder block"
    )
    mlp_ratio: float = 2
    mlp_kind: str = option(
        MLP_KINDS, "dense: the perceptrons see each token by itself; depthwise: with its neighbours"
    )
    activation: str = setting("gelu", "of the perceptrons: gelu, quick_gelu or relu")
    conv_prefix: int = setting(0, "number of initial blocks that are convolutions")
    prefix_kind: str = "vgg"
    prefix_filters: Sequence[int] | None = None
    prefix_pool: Sequence[int] | None = None
    positional_embedding: str | None = "learnable"
    positional_join: str = option(
        ("stream", "layer"),
        "stream: positions are added once; layer: each block adds its own (LaPE)",
    )
    norm: str = "cct"
    dropout: float = 0.0
    attention_dropout: float = 0.1
    stochastic_depth: float = 0.1
    include_top: bool = True
    pooling: str | None = None
    classes: int = 1000
    classifier_activation: str | None = "softmax"
    class_names: Sequence[str] | None = dataclasses.field(default=None, repr=False)

    ATTENTION_KINDS: ClassVar[tuple[str, ...]] = KINDS
    FAMILIES: ClassVar[tuple[str, ...]] = ()
    CLASS_TOKEN: ClassVar[tuple[str, ...]] = ()  # the families with a class token
    PREFIX_KINDS: ClassVar[tuple[str, ...]] = ()
    LEAST_SIDE: ClassVar[int] = 1  # fewest tokens per side after a prefix with default pooling

    def __post_init__(self) -> None:
        make_plain(self)
        self._check_values()
        check_blocks(self)
        self._check_prefix()
        self._check_input()
        check_class_names(self.class_names, self.classes)
        check_size(self)

    def _check_values(self):
        require_choices(
            self,
            family=self.FAMILIES,
            prefix_kind=self.PREFIX_KINDS,
            positional_embedding=(*POSITION_KINDS, None),
            norm=NORMS,
            activation=tuple(ACTIVATIONS),
            pooling=POOLINGS,
            classifier_activation=("softmax", "sigmoid", None),
            **options(type(self)),
        )
        require(
            self,
            isinstance(self.include_top, bool),
            "`include_top` must be True or False.",
            "include_top",
        )
        require(
            self,
            self.positional_join == "stream" or self.positional_embedding is not None,
            '`positional_join="layer"` needs a `positional_embedding`.',
            "positional_join",
            "positional_embedding",
        )
        require(
            self,
            self.mlp_kind == "dense" or not self.has_class_token,
            '`mlp_kind="depthwise"` needs a map of tokens without a class token.',
            "mlp_kind",
            "family",
        )
        # Tuples of `depth` numbers are made below: the limit comes first.
        require_counts(self, depth="layers", embed_dim="weights", classes="labels")
        require_counts(self, kernel_size="positions")
        require(
            self,
            not self.include_top or self.classes > 1 or self.classifier_activation != "softmax",
            "The softmax of a single output is always 1: a binary model needs "
            '`classifier_activation="sigmoid"` (a probability) or None (a logit).',
            "classes",
            "classifier_activation",
        )
        for name in ("dropout", "attention_dropout", "stochastic_depth"):
            require(
                self,
                is_number(getattr(self, name)) and 0 <= getattr(self, name) < 1,
                f"`{name}` must be a rate in [0, 1).",
                name,
            )
        require(
            self,
            is_number(self.mlp_ratio) and self.mlp_ratio * self.embed_dim >= 1,
            "`mlp_ratio` must be a finite number that gives a hidden layer of at least one unit.",
            "mlp_ratio",
        )
        limits.check(
            "weights",
            self.mlp_ratio * self.embed_dim,  # may be infinite
            "The width of the hidden layer, `mlp_ratio` * `embed_dim`,",
            mlp_ratio=self.mlp_ratio,
            embed_dim=self.embed_dim,
        )
        require(
            self,
            self.pooling != "token" or self.has_class_token,
            '`pooling="token"` needs the class token of a family of '
            f"{', '.join(self.CLASS_TOKEN)}.",
            "pooling",
            "family",
        )

    def _check_prefix(self):
        if self.prefix_filters is not None:
            require(
                self,
                isinstance(self.prefix_filters, tuple)
                and all(map(is_count, self.prefix_filters))
                and len(self.prefix_filters) == self.conv_prefix
                and self.prefix_filters[-1:] in ((), (self.embed_dim,)),
                "`prefix_filters` must hold `conv_prefix` positive integers; the last one must be "
                "`embed_dim`.",
                "prefix_filters",
                "conv_prefix",
                "embed_dim",
            )
        if self.prefix_pool is not None:
            require(
                self,
                isinstance(self.prefix_pool, tuple)
                and all(map(is_integer, self.prefix_pool))
                and set(self.prefix_pool) <= set(range(self.conv_prefix)),
                "`prefix_pool` must be a sequence of indices of prefix blocks, from 0 to "
                "`conv_prefix` - 1.",
                "prefix_pool",
                "conv_prefix",
            )

    @property
    def block_heads(self) -> tuple[int, ...]:
        """Heads of each of the `depth - conv_prefix` encoder blocks."""
        if isinstance(self.heads, tuple):
            return self.heads
        return (self.heads,) * (self.depth - self.conv_prefix)

    @property
    def block_head_dims(self) -> tuple[int, ...]:
        """Width of a head in each encoder block."""
        if isinstance(self.head_dim, tuple):
            return self.head_dim
        return tuple(self.head_dim or self.embed_dim // heads for heads in self.block_heads)

    @property
    def block_attention(self) -> tuple[str, ...]:
        """Kind of attention of each encoder block."""
        if isinstance(self.attention, tuple):
            return self.attention
        return (self.attention,) * (self.depth - self.conv_prefix)

    @property
    def block_pool(self) -> tuple[int, ...]:
        """Indices of the prefix blocks whose input is halved."""
        if self.prefix_pool is not None:
            return self.prefix_pool
        side = min(self.tokenizer_grids[-1])
        halvings = min(2, self.conv_prefix)
        while halvings and side // 2**halvings < self.LEAST_SIDE:
            halvings -= 1
        return tuple(range(self.conv_prefix - halvings, self.conv_prefix))

    @property
    def stochastic_depth_rates(self) -> tuple[float, ...]:
        """Drop rate of each encoder block; the rates rise linearly over all `depth` blocks."""
        last = max(1, self.depth - 1)
        return tuple(self.stochastic_depth * i / last for i in range(self.conv_prefix, self.depth))

    @property
    def grid(self) -> tuple[int, ...]:
        """Shape of the encoder's map of tokens: (height, width) or (tokens,)."""
        return self.grids[-1]

    @property
    def has_class_token(self) -> bool:
        """Whether the model's family has a class token."""
        return self.family in self.CLASS_TOKEN

    @property
    def token_pooling(self) -> str | None:
        """The pooling of the model, with the default resolved; None for no pooling."""
        own = "token" if self.has_class_token else "sequence"
        return self.pooling or (own if self.include_top else None)

    @property
    def tokens(self) -> int:
        """Length T of the encoder's sequence, class token included."""
        return math.prod(self.grid) + self.has_class_token
