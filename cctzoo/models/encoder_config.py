"""EncoderConfig: what a model for images and one for texts have in common."""

import dataclasses
import math
import numbers
from collections.abc import Sequence

from cctzoo.layers.encoder_block import NORMS
from cctzoo.layers.position import KINDS as POSITION_KINDS
from cctzoo.settings import setting

POOLINGS = (None, "sequence", "token", "avg", "max")


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """The encoder and the top of a model, whatever comes in.

    Args:
        depth: number of blocks; the first `conv_prefix` of them are convolutions.
        embed_dim: width D of the residual stream.
        heads: attention heads of every encoder block, or a sequence with one number per
            encoder block (there are `depth - conv_prefix`).
        head_dim: width of a head, or a sequence with one number per encoder block. Default:
            `embed_dim / heads`.
        mlp_ratio: hidden width of the perceptrons in units of `embed_dim`.
        conv_prefix: number of initial blocks that are convolutions.
        prefix_kind: of these, e.g. `"vgg"` or `"depthwise"`, see `layers.ConvPrefix`.
        prefix_filters: channels after each prefix block; the last is `embed_dim`.
        prefix_pool: prefix blocks before which the map is halved. Default: the last two, or
            as many as leave some tokens: 4 x 4 of an image, 8 of a text.
        positional_embedding: `"learnable"`, `"sine"` or `None`.
        norm: `"cct"` (the order of the authors' checkpoints) or `"pre"`.
        dropout, attention_dropout: rates in [0, 1).
        stochastic_depth: rate of the last block; rises linearly from 0 at the first.
        include_top: end with pooling and classifier.
        pooling: `"sequence"`, `"token"` (the families with a class token), `"avg"` or `"max"`
            over the tokens. Default: the family's own with `include_top`, none without it.
        classes: number of classes.
        classifier_activation: `"softmax"`, `"sigmoid"` or `None` (logits).

    Raises:
        ValueError: for values that contradict each other, naming the rule.
    """

    depth: int = setting(7, "number of blocks, convolutional prefix included")
    embed_dim: int = setting(256, "width of the residual stream")
    heads: int | Sequence[int] = setting(
        4, "attention heads of every encoder block, or a list with one number per encoder block"
    )
    head_dim: int | Sequence[int] | None = setting(
        None, "width of a head, or a list with one number per encoder block (embed_dim / heads)"
    )
    mlp_ratio: float = 2
    conv_prefix: int = setting(0, "number of initial blocks that are convolutions")
    prefix_kind: str = "vgg"
    prefix_filters: Sequence[int] | None = None
    prefix_pool: Sequence[int] | None = None
    positional_embedding: str | None = "learnable"
    norm: str = "cct"
    dropout: float = 0.0
    attention_dropout: float = 0.1
    stochastic_depth: float = 0.1
    include_top: bool = True
    pooling: str | None = None
    classes: int = 1000
    classifier_activation: str | None = "softmax"

    FAMILIES = ()  # those that a config of this kind can be of
    CLASS_TOKEN = ()  # which of them have a class token
    PREFIX_KINDS = ()
    LEAST_SIDE = 1  # tokens that a prefix leaves along a side, unless `prefix_pool` is given

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Sequence) and not isinstance(value, str):
                object.__setattr__(self, field.name, tuple(value))
        self._check_values()
        self._check_heads()
        self._check_prefix()
        self._check_input()

    def _check_values(self):
        self._check_choices(
            family=self.FAMILIES,
            prefix_kind=self.PREFIX_KINDS,
            positional_embedding=(*POSITION_KINDS, None),
            norm=NORMS,
            pooling=POOLINGS,
            classifier_activation=("softmax", "sigmoid", None),
        )
        self._require(
            isinstance(self.include_top, bool),
            "`include_top` must be True or False.",
            "include_top",
        )
        self._check_counts("depth", "embed_dim", "kernel_size", "classes")
        for name in ("dropout", "attention_dropout", "stochastic_depth"):
            self._require(
                is_number(getattr(self, name)) and 0 <= getattr(self, name) < 1,
                f"`{name}` must be a rate in [0, 1).",
                name,
            )
        self._require(
            is_number(self.mlp_ratio) and int(self.mlp_ratio * self.embed_dim) >= 1,
            "`mlp_ratio` must give a hidden layer of at least one unit.",
            "mlp_ratio",
        )
        self._require(
            self.pooling != "token" or self.has_class_token,
            '`pooling="token"` needs the class token of a family of '
            f"{', '.join(self.CLASS_TOKEN)}.",
            "pooling",
            "family",
        )

    def _check_choices(self, **choices):
        for name, allowed in choices.items():
            self._require(
                getattr(self, name) in allowed, f"`{name}` must be one of {allowed}.", name
            )

    def _check_counts(self, *names):
        for name in names:
            self._require(
                is_count(getattr(self, name)), f"`{name}` must be a positive integer.", name
            )

    def _check_heads(self):
        for name in ("heads", "head_dim"):
            value = getattr(self, name)
            values = value if isinstance(value, tuple) else (value,)
            absent = name == "head_dim" and value is None
            self._require(
                absent or all(map(is_count, values)),
                f"`{name}` must be a positive integer{', None' * (name == 'head_dim')} or a "
                "sequence of positive integers.",
                name,
            )
        self._require(
            is_integer(self.conv_prefix) and 0 <= self.conv_prefix < self.depth,
            "`conv_prefix` must be an integer from 0 to `depth` - 1: at least one block "
            "stays a transformer.",
            "conv_prefix",
            "depth",
        )
        for name in ("heads", "head_dim"):
            value = getattr(self, name)
            self._require(
                not isinstance(value, tuple) or len(value) == self.depth - self.conv_prefix,
                f"A sequence of `{name}` must hold one number per encoder block, `depth` - "
                f"`conv_prefix` = {self.depth - self.conv_prefix}.",
                name,
                "depth",
                "conv_prefix",
            )
        self._require(
            self.head_dim is not None
            or not any(self.embed_dim % heads for heads in self.block_heads),
            "`embed_dim` must be divisible by `heads` unless `head_dim` is given.",
            "embed_dim",
            "heads",
        )

    def _check_prefix(self):
        if self.prefix_filters is not None:
            self._require(
                isinstance(self.prefix_filters, tuple)
                and all(map(is_count, self.prefix_filters))
                and len(self.prefix_filters) == self.conv_prefix
                and self.prefix_filters[-1:] in ((), (self.embed_dim,)),
                "`prefix_filters` must hold `conv_prefix` positive integers, the last of them "
                "`embed_dim`.",
                "prefix_filters",
                "conv_prefix",
                "embed_dim",
            )
        if self.prefix_pool is not None:
            self._require(
                isinstance(self.prefix_pool, tuple)
                and set(self.prefix_pool) <= set(range(self.conv_prefix)),
                "`prefix_pool` must be a sequence of indices of prefix blocks, from 0 to "
                "`conv_prefix` - 1.",
                "prefix_pool",
                "conv_prefix",
            )

    def _require(self, holds, rule, *names):
        if not holds:
            received = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
            raise ValueError(f"{rule} Received: {received}")

    @property
    def block_heads(self):
        """Heads of each encoder block: a tuple of length `depth - conv_prefix`."""
        if isinstance(self.heads, tuple):
            return self.heads
        return (self.heads,) * (self.depth - self.conv_prefix)

    @property
    def block_head_dims(self):
        """Width of a head in each encoder block, a tuple like `block_heads`."""
        if isinstance(self.head_dim, tuple):
            return self.head_dim
        return tuple(self.head_dim or self.embed_dim // heads for heads in self.block_heads)

    @property
    def block_pool(self):
        """Prefix blocks before which the map is halved."""
        if self.prefix_pool is not None:
            return self.prefix_pool
        side = min(self.tokenizer_grids[-1])
        halvings = min(2, self.conv_prefix)
        while halvings and side // 2**halvings < self.LEAST_SIDE:
            halvings -= 1
        return tuple(range(self.conv_prefix - halvings, self.conv_prefix))

    @property
    def stochastic_depth_rates(self):
        """Rate of each encoder block, rising linearly over all `depth` blocks."""
        last = max(1, self.depth - 1)
        return tuple(self.stochastic_depth * i / last for i in range(self.conv_prefix, self.depth))

    @property
    def grid(self):
        """Places of the map of tokens that the encoder sees, e.g. (height, width)."""
        return self.grids[-1]

    @property
    def has_class_token(self):
        return self.family in self.CLASS_TOKEN

    @property
    def token_pooling(self):
        """The pooling that is built, or None."""
        own = "token" if self.has_class_token else "sequence"
        return self.pooling or (own if self.include_top else None)

    @property
    def tokens(self):
        """Length T of the encoder's sequence, class token included."""
        return math.prod(self.grid) + self.has_class_token


def is_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_count(value):
    return is_integer(value) and value >= 1


def is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
