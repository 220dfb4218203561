"""CCTConfig: every number that fixes a model, checked once."""

import dataclasses
import math
import numbers
from collections.abc import Sequence

from cctzoo.layers.conv_prefix import KINDS as PREFIX_KINDS
from cctzoo.layers.encoder_block import NORMS
from cctzoo.layers.position import KINDS as POSITION_KINDS
from cctzoo.layers.tokenizer import conv_geometry

FAMILIES = ("cct", "cvt", "vit")
POOLINGS = (None, "sequence", "token", "avg", "max")
HIDDEN_FILTERS = 64  # channels of all tokenizer convolutions but the last
LEAST_SIDE = 4  # tokens that a prefix leaves along each side, unless `prefix_pool` is given


@dataclasses.dataclass(frozen=True, kw_only=True)
class CCTConfig:
    """One architecture of the compact transformer family.

    Args:
        family: `"cct"` (convolutional tokenizer, sequence pooling), `"cvt"` (patches,
            sequence pooling) or `"vit"` (ViT-Lite: patches, class token).
        depth: number of blocks; the first `conv_prefix` of them are convolutions.
        embed_dim: width D of the residual stream.
        heads: attention heads of every encoder block, or a sequence with one number per
            encoder block (there are `depth - conv_prefix`).
        head_dim: width of a head, or a sequence with one number per encoder block. Default:
            `embed_dim / heads`.
        mlp_ratio: hidden width of the perceptrons in units of `embed_dim`.
        kernel_size: side of the tokenizer's kernels, or of a patch (cvt, vit), in pixels.
        conv_layers: convolutions in the tokenizer (cct; 1 for the others).
        conv_prefix: number of initial blocks that are convolutions.
        prefix_kind: `"vgg"` or `"depthwise"`, see `layers.ConvPrefix`.
        prefix_filters: channels after each prefix block; the last is `embed_dim`. Default:
            half of `embed_dim`, and `embed_dim` in the last two blocks.
        prefix_pool: prefix blocks before which the map is halved. Default: the last two, or
            as many as leave 4 x 4 tokens.
        positional_embedding: `"learnable"`, `"sine"` or `None`.
        norm: `"cct"` (the order of the authors' checkpoints) or `"pre"`.
        dropout, attention_dropout: rates in [0, 1).
        stochastic_depth: rate of the last block; rises linearly from 0 at the first.
        input_shape: (height, width, channels) of the images.
        include_preprocessing: take pixel values 0-255 and normalise them in the model.
        mean, std: of the pixels, scaled to [0, 1]: a number or one per channel.
        include_top: end with pooling and classifier.
        pooling: `"sequence"`, `"token"` (vit), `"avg"` or `"max"` over the tokens. Default:
            the family's own with `include_top`, none without it.
        classes: number of classes.
        classifier_activation: `"softmax"`, `"sigmoid"` or `None` (logits).

    Raises:
        ValueError: for values that contradict each other, naming the rule.

    Reference: Hassani et al., arXiv 2104.05704, and the authors' code.
    """

    family: str = "cct"
    depth: int = 7
    embed_dim: int = 256
    heads: int | Sequence[int] = 4
    head_dim: int | Sequence[int] | None = None
    mlp_ratio: float = 2
    kernel_size: int = 3
    conv_layers: int = 1
    conv_prefix: int = 0
    prefix_kind: str = "vgg"
    prefix_filters: Sequence[int] | None = None
    prefix_pool: Sequence[int] | None = None
    positional_embedding: str | None = "learnable"
    norm: str = "cct"
    dropout: float = 0.0
    attention_dropout: float = 0.1
    stochastic_depth: float = 0.1
    input_shape: Sequence[int] = (32, 32, 3)
    include_preprocessing: bool = True
    mean: float | Sequence[float] = 0.5
    std: float | Sequence[float] = 0.5
    include_top: bool = True
    pooling: str | None = None
    classes: int = 1000
    classifier_activation: str | None = "softmax"

    def __post_init__(self):
        sequences = ("heads", "head_dim", "prefix_filters", "prefix_pool")
        for name in (*sequences, "input_shape", "mean", "std"):
            value = getattr(self, name)
            if isinstance(value, Sequence) and not isinstance(value, str):
                object.__setattr__(self, name, tuple(value))
        self._check_values()
        self._check_heads()
        self._check_prefix()
        self._check_image()

    def _check_values(self):
        choices = {
            "family": FAMILIES,
            "prefix_kind": PREFIX_KINDS,
            "positional_embedding": (*POSITION_KINDS, None),
            "norm": NORMS,
            "pooling": POOLINGS,
            "classifier_activation": ("softmax", "sigmoid", None),
        }
        for name, allowed in choices.items():
            self._require(
                getattr(self, name) in allowed, f"`{name}` must be one of {allowed}.", name
            )
        for name in ("include_preprocessing", "include_top"):
            self._require(
                isinstance(getattr(self, name), bool), f"`{name}` must be True or False.", name
            )
        for name in ("depth", "embed_dim", "kernel_size", "conv_layers", "classes"):
            self._require(
                _is_count(getattr(self, name)), f"`{name}` must be a positive integer.", name
            )
        for name in ("dropout", "attention_dropout", "stochastic_depth"):
            self._require(
                _is_number(getattr(self, name)) and 0 <= getattr(self, name) < 1,
                f"`{name}` must be a rate in [0, 1).",
                name,
            )
        self._require(
            _is_number(self.mlp_ratio) and int(self.mlp_ratio * self.embed_dim) >= 1,
            "`mlp_ratio` must give a hidden layer of at least one unit.",
            "mlp_ratio",
        )
        self._require(
            self.family == "cct" or self.conv_layers == 1,
            "`conv_layers` must be 1 where the tokenizer cuts patches (families cvt and vit).",
            "conv_layers",
            "family",
        )
        self._require(
            self.pooling != "token" or self.family == "vit",
            '`pooling="token"` needs the class token of family "vit".',
            "pooling",
            "family",
        )

    def _check_heads(self):
        for name in ("heads", "head_dim"):
            value = getattr(self, name)
            values = value if isinstance(value, tuple) else (value,)
            absent = name == "head_dim" and value is None
            self._require(
                absent or all(map(_is_count, values)),
                f"`{name}` must be a positive integer{', None' * (name == 'head_dim')} or a "
                "sequence of positive integers.",
                name,
            )
        self._require(
            _is_integer(self.conv_prefix) and 0 <= self.conv_prefix < self.depth,
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
                and all(map(_is_count, self.prefix_filters))
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

    def _check_image(self):
        shape = self.input_shape
        self._require(
            isinstance(shape, tuple) and len(shape) == 3 and all(map(_is_count, shape)),
            "`input_shape` must be three positive integers (height, width, channels).",
            "input_shape",
        )
        height, width, channels = shape
        for name in ("mean", "std"):
            value = getattr(self, name)
            values = value if isinstance(value, tuple) else (value,)
            self._require(
                all(map(_is_number, values))
                and len(values) in (1, channels)
                and (name == "mean" or min(values) > 0),
                f"`{name}` must be a number or one per channel{', above 0' * (name == 'std')}.",
                name,
                "input_shape",
            )
        if self.family == "cct":
            stride = (2 * conv_geometry(self.kernel_size)[0]) ** self.conv_layers
        else:
            stride = self.kernel_size
            self._require(
                height % stride == 0 and width % stride == 0,
                "Height and width of `input_shape` must be divisible by the patch side "
                "`kernel_size`.",
                "input_shape",
                "kernel_size",
            )
        least = max(stride, self.kernel_size)
        self._require(
            min(height, width) >= least,
            "Height and width of `input_shape` must be at least the tokenizer's kernel and its "
            f"whole stride, here {least} pixels.",
            "input_shape",
            "kernel_size",
            "conv_layers",
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
    def block_filters(self):
        """Channels after each prefix block."""
        if self.prefix_filters is not None or not self.conv_prefix:
            return self.prefix_filters or ()
        wide = min(2, self.conv_prefix)
        return (self.embed_dim // 2,) * (self.conv_prefix - wide) + (self.embed_dim,) * wide

    @property
    def block_pool(self):
        """Prefix blocks before which the map is halved."""
        if self.prefix_pool is not None:
            return self.prefix_pool
        side = min(self.tokenizer_grids[-1])
        halvings = min(2, self.conv_prefix)
        while halvings and side // 2**halvings < LEAST_SIDE:
            halvings -= 1
        return tuple(range(self.conv_prefix - halvings, self.conv_prefix))

    @property
    def tokenizer_filters(self):
        """Channels that the tokenizer ends on: D, or narrow where a prefix widens them."""
        return HIDDEN_FILTERS if self.conv_prefix else self.embed_dim

    @property
    def stochastic_depth_rates(self):
        """Rate of each encoder block, rising linearly over all `depth` blocks."""
        last = max(1, self.depth - 1)
        return tuple(self.stochastic_depth * i / last for i in range(self.conv_prefix, self.depth))

    @property
    def token_pooling(self):
        """The pooling that is built, or None."""
        own = "token" if self.family == "vit" else "sequence"
        return self.pooling or (own if self.include_top else None)

    @property
    def tokenizer_grids(self):
        """(height, width) after each tokenizer step."""
        height, width, _ = self.input_shape
        if self.family != "cct":
            return [(height // self.kernel_size, width // self.kernel_size)]
        grids = []
        stride, padding = conv_geometry(self.kernel_size)
        for _ in range(self.conv_layers):
            height, width = (
                (side + 2 * padding - self.kernel_size) // stride + 1 for side in (height, width)
            )
            height, width = ((side - 1) // 2 + 1 for side in (height, width))
            grids.append((height, width))
        return grids

    @property
    def grids(self):
        """(height, width) after each tokenizer step, then after each prefix block."""
        grids = self.tokenizer_grids
        for i in range(self.conv_prefix):
            height, width = grids[-1]
            if i in self.block_pool:
                height, width = max(1, height // 2), max(1, width // 2)
            grids.append((height, width))
        return grids

    @property
    def grid(self):
        """(height, width) of the map of tokens that the encoder sees."""
        return self.grids[-1]

    @property
    def tokens(self):
        """Length T of the encoder's sequence, class token included."""
        return math.prod(self.grid) + (self.family == "vit")


def _is_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_count(value):
    return _is_integer(value) and value >= 1


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
