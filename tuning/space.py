"""The search space: the choices of each hyperparameter, and the config of a point."""

import contextlib
import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator
from typing import Any

import keras_tuner

from cctzoo import limits
from cctzoo.layers.encoder_block import MLP_KINDS
from cctzoo.messages import received
from cctzoo.models import CCTConfig, TextConfig
from cctzoo.plain_values import is_integer, is_one_of, make_plain
from cctzoo.settings import setting

PROFILES = ("even", "rising", "falling")
POOLS = ("late", "early", "none")
# The config fields that a point decides.
CONFIG_FIELDS = (
    "depth",
    "embed_dim",
    "heads",
    "head_dim",
    "attention",
    "mlp_kind",
    "conv_prefix",
    "prefix_kind",
    "prefix_filters",
    "prefix_pool",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """The choices of each hyperparameter. A point of the space is one value of each.

    Some points have no model, e.g. if the prefix is as long as the model, and some points have
    the same model, e.g. without a prefix the kind of the prefix has no effect.

    Args:
        depth: numbers of blocks, convolutional prefix included.
        embed_dim: widths of the residual stream.
        heads: numbers of attention heads of a block; of the widest block if blocks differ.
        head_profile: `"even"`; `"rising"`: from a quarter of `heads` in the first encoder
            block to `heads` in the last one, in powers of two; `"falling"`: the reverse.
        head_dim: widths of a head; 0: `embed_dim` shared among the heads, at least 1 each.
        attention: kinds of attention of all encoder blocks.
        mlp_kind: kinds of perceptron of all encoder blocks.
        conv_prefix: numbers of initial blocks that are convolutions.
        prefix_kind: kinds of these blocks, see `layers.ConvPrefix`; `"token_image"` is for text
            models.
        prefix_pool: where the prefix halves the map: `"late"` (before its last two blocks),
            `"early"` (before its first two blocks) or `"none"`.

    Raises:
        ValueError: if a hyperparameter has no choices, a choice is repeated or out of range, or the
            space has more points than the limit `points`.
    """

    depth: tuple[int, ...] = setting((2, 4), "number of blocks, convolutional prefix included")
    embed_dim: tuple[int, ...] = setting((64, 128), "width of the residual stream")
    heads: tuple[int, ...] = setting(
        (4, 16, 64), "attention heads of a block; of the widest block if blocks differ"
    )
    head_profile: tuple[str, ...] = setting(
        PROFILES, "heads over the encoder blocks: even, rising or falling"
    )
    head_dim: tuple[int, ...] = setting(
        (0,), "width of a head; 0: embed_dim shared among the heads"
    )
    attention: tuple[str, ...] = setting(("softmax",), "kind of attention: softmax or polynomial")
    mlp_kind: tuple[str, ...] = setting(("dense",), "kind of perceptron: dense or depthwise")
    conv_prefix: tuple[int, ...] = setting(
        (0, 1, 2, 3), "number of initial blocks that are convolutions"
    )
    prefix_kind: tuple[str, ...] = setting(("vgg", "depthwise"), "kind of the convolutional prefix")
    prefix_pool: tuple[str, ...] = setting(
        POOLS, "where the prefix halves the map: late, early or none"
    )

    def __post_init__(self) -> None:
        words = {
            "head_profile": PROFILES,
            "attention": TextConfig.ATTENTION_KINDS,
            "mlp_kind": MLP_KINDS,
            "prefix_kind": TextConfig.PREFIX_KINDS,
            "prefix_pool": POOLS,
        }
        least = {"head_dim": 0, "conv_prefix": 0}
        make_plain(self)
        for name in HYPERPARAMETERS:
            choices = getattr(self, name)
            valid = isinstance(choices, tuple) and len(choices) > 0
            if name in words:
                rule = f"from {words[name]}"
                valid = valid and all(is_one_of(choice, words[name]) for choice in choices)
            else:
                lowest = least.get(name, 1)
                rule = f"integers of at least {lowest}"
                valid = valid and all(is_integer(each) and each >= lowest for each in choices)
            if not valid or len(set(choices)) < len(choices):
                raise ValueError(
                    f"`{name}` must have at least one choice; choices must be {rule}, without "
                    f"repetition. {received(**{name: choices})}"
                )
            if name not in words:
                limit = "layers" if name in ("depth", "conv_prefix") else "weights"
                limits.check(limit, max(choices), f"A choice of `{name}`", **{name: choices})
        sizes = {name: len(getattr(self, name)) for name in HYPERPARAMETERS}
        limits.check(
            "points", math.prod(sizes.values()), "The number of points of a search space", **sizes
        )

    def hyperparameters(self) -> keras_tuner.HyperParameters:
        """Returns the space in KerasTuner's form."""
        hp = keras_tuner.HyperParameters()
        # No conditional scopes: KerasTuner 1.4.8 drops values where conditions share a name.
        for name in HYPERPARAMETERS:
            hp.Choice(name, list(getattr(self, name)))
        return hp

    def points(self) -> Iterator[dict[str, Any]]:
        """Yields all combinations of the choices, with or without a model."""
        choices = (getattr(self, name) for name in HYPERPARAMETERS)
        for point in itertools.product(*choices):
            yield dict(zip(HYPERPARAMETERS, point, strict=True))

    def check_has_model(self, base: CCTConfig | TextConfig) -> None:
        """Raises ValueError if no point of the space has a model; `base` as in `count_models`."""
        reason = None
        for values in self.points():
            try:
                point_config(values, base)
                return
            except ValueError as error:
                reason = error
        raise ValueError(f"The search space has no model: {reason}")

    def count_models(self, base: CCTConfig | TextConfig) -> int:
        """Counts the different models of the space.

        Args:
            base: the config that fixes all other fields.

        Raises:
            ValueError: if no point has a model.
        """
        self.check_has_model(base)
        configs = set()
        for values in self.points():
            with contextlib.suppress(ValueError):
                configs.add(point_config(values, base))
        return len(configs)


HYPERPARAMETERS = tuple(field.name for field in dataclasses.fields(SearchSpace))


def point_config(values: dict[str, Any], base: CCTConfig | TextConfig) -> CCTConfig | TextConfig:
    """Returns the config of a point. Points with equal models have equal configs.

    Args:
        values: one value of each hyperparameter, by name; other names are ignored.
        base: the config that fixes all other fields.

    Raises:
        ValueError: if the point has no model.
    """
    return _config(base, *(values[name] for name in HYPERPARAMETERS))


@functools.lru_cache(maxsize=10_000)  # oracles ask for the configs of all trials at each proposal
def _config(
    base,
    depth,
    embed_dim,
    heads,
    profile,
    head_dim,
    attention,
    mlp_kind,
    prefix,
    prefix_kind,
    prefix_pool,
):
    if prefix >= depth:
        raise ValueError(
            "`conv_prefix` must be below `depth`: at least one block must be a transformer block. "
            f"Received: conv_prefix={prefix}, depth={depth}"
        )
    block_heads = _block_heads(heads, profile, depth - prefix)
    early = tuple(range(min(2, prefix)))
    pool = {"late": None, "early": early, "none": ()}[prefix_pool]
    config = dataclasses.replace(
        base,
        depth=depth,
        embed_dim=embed_dim,
        heads=block_heads,
        head_dim=tuple(head_dim or max(1, embed_dim // count) for count in block_heads),
        attention=attention,
        mlp_kind=mlp_kind,
        conv_prefix=prefix,
        prefix_kind=prefix_kind if prefix else "vgg",
        prefix_filters=None,
        prefix_pool=pool if prefix and prefix_kind != "token_image" else None,
    )
    if config.tokens == 1:
        raise ValueError(
            "Attention needs more than one token. "
            f"Received: conv_prefix={prefix}, prefix_pool={prefix_pool!r} on a map "
            f"of {config.tokenizer_grids[-1]} tokens"
        )
    return dataclasses.replace(config, prefix_pool=config.block_pool if prefix else None)


def _block_heads(heads, profile, blocks):
    """Returns the number of heads of each encoder block."""
    if profile == "even" or blocks == 1:
        return (heads,) * blocks
    quarters = [1 - i / (blocks - 1) for i in range(blocks)]  # 1 in the first block, 0 in the last
    rising = [max(1, 2 ** round(math.log2(heads) - 2 * quarter)) for quarter in quarters]
    rising[-1] = heads
    return tuple(rising if profile == "rising" else reversed(rising))
