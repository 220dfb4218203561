"""What the search may choose: heads, their width, the prefix, depth and width of the model."""

import dataclasses
import itertools
import math

import keras_tuner

from cctzoo.models import TextConfig
from cctzoo.settings import setting

PROFILES = ("even", "rising", "falling")
POOLS = ("late", "early", "none")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """The choices for each hyperparameter; a point of the space is one value of each.

    Combinations that are no model are excluded (a prefix as long as the model, a map pooled
    to one token), and so are those that describe a model again (the kind of a prefix that
    there is not).

    Args:
        depth: blocks, those of the prefix included.
        embed_dim: width of the residual stream.
        heads: attention heads of a block: of the widest, if the blocks differ.
        head_profile: `"even"`; `"rising"`: from a quarter of `heads` in the first encoder
            block to `heads` in the last, in powers of two; `"falling"`: the reverse.
        head_dim: width of a head; 0: `embed_dim` shared among the heads, at least 1 each.
        conv_prefix: initial blocks that are convolutions.
        prefix_kind: of these, see `layers.ConvPrefix`; `"token_image"` is for texts.
        prefix_pool: where the prefix halves the map: `"late"` (before its last two blocks),
            `"early"` (before its first two) or `"none"`.

    Raises:
        ValueError: for a hyperparameter without choices, a choice twice, or one out of range.
    """

    depth: tuple[int, ...] = setting((2, 4), "blocks, those of the prefix included")
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
    conv_prefix: tuple[int, ...] = setting((0, 1, 2, 3), "initial blocks that are convolutions")
    prefix_kind: tuple[str, ...] = setting(("vgg", "depthwise"), "kind of the convolutional prefix")
    prefix_pool: tuple[str, ...] = setting(
        POOLS, "where the prefix halves the map: late, early or none"
    )

    def __post_init__(self):
        words = {
            "head_profile": PROFILES,
            "prefix_kind": TextConfig.PREFIX_KINDS,
            "prefix_pool": POOLS,
        }
        least = {"head_dim": 0, "conv_prefix": 0}
        for name in HYPERPARAMETERS:
            choices = tuple(getattr(self, name))
            object.__setattr__(self, name, choices)
            if name in words:
                rule, valid = f"from {words[name]}", set(choices) <= set(words[name])
            else:
                lowest = least.get(name, 1)
                rule = f"integers of at least {lowest}"
                valid = all(type(choice) is int and choice >= lowest for choice in choices)
            if not choices or not valid or len(set(choices)) < len(choices):
                raise ValueError(
                    f"The choices of `{name}` must be {rule}, at least one and each once. "
                    f"Received: {name}={choices!r}"
                )

    def hyperparameters(self):
        """The space as `keras_tuner.HyperParameters`."""
        hp = keras_tuner.HyperParameters()
        self.declare(hp)
        return hp

    def declare(self, hp):
        """Adds the hyperparameters to `hp`; returns the point that `hp` is at, as a dict."""
        # All on one level: KerasTuner 1.4.8 drops values where conditions share a name.
        return {name: hp.Choice(name, list(getattr(self, name))) for name in HYPERPARAMETERS}

    def points(self):
        """All combinations, as dicts, the excluded ones too."""
        choices = (getattr(self, name) for name in HYPERPARAMETERS)
        points = itertools.product(*choices)
        return [dict(zip(HYPERPARAMETERS, point, strict=True)) for point in points]

    def config(self, values, base):
        """The architecture of a point, every choice spelled out: equal models, equal configs.

        Args:
            values: one value of each hyperparameter, by name; other names are not looked at.
            base: the `CCTConfig` or `TextConfig` that has all else.

        Raises:
            ValueError: if the point is no model.
        """
        depth, prefix, width = values["depth"], values["conv_prefix"], values["embed_dim"]
        if prefix >= depth:
            raise ValueError(
                "`conv_prefix` must be below `depth`: at least one block stays a transformer. "
                f"Received: conv_prefix={prefix}, depth={depth}"
            )
        heads = _heads(values["heads"], values["head_profile"], depth - prefix)
        head_dim = tuple(values["head_dim"] or max(1, width // count) for count in heads)
        early = tuple(range(min(2, prefix)))
        pool = {"late": None, "early": early, "none": ()}[values["prefix_pool"]]
        config = dataclasses.replace(
            base,
            depth=depth,
            embed_dim=width,
            heads=heads,
            head_dim=head_dim,
            conv_prefix=prefix,
            prefix_kind=values["prefix_kind"] if prefix else "vgg",
            prefix_filters=None,
            prefix_pool=pool if prefix and values["prefix_kind"] != "token_image" else None,
        )
        if config.tokens == 1:
            raise ValueError(
                "Attention needs more than one token. "
                f"Received: conv_prefix={prefix}, prefix_pool={values['prefix_pool']!r} on a map "
                f"of {config.tokenizer_grids[-1]} tokens"
            )
        return dataclasses.replace(config, prefix_pool=config.block_pool if prefix else None)

    def check(self, base):
        """Builds the config of every point.

        Returns:
            How many different models the space holds.

        Raises:
            ValueError: if there is none.
        """
        found, reason = set(), None
        for values in self.points():
            try:
                found.add(self.config(values, base))
            except ValueError as error:
                reason = error
        if not found:
            raise ValueError(f"The search space holds no model: {reason}")
        return len(found)


HYPERPARAMETERS = tuple(field.name for field in dataclasses.fields(SearchSpace))


def changes(config, base):
    """The fields in which a config differs from another, as a dict."""
    return {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(base)
        if getattr(config, field.name) != getattr(base, field.name)
    }


def _heads(heads, profile, blocks):
    """The heads of each encoder block."""
    if profile == "even" or blocks == 1:
        return (heads,) * blocks
    quarters = [1 - i / (blocks - 1) for i in range(blocks)]  # 1 in the first, 0 in the last
    rising = [max(1, 2 ** round(math.log2(heads) - 2 * quarter)) for quarter in quarters]
    rising[-1] = heads
    return tuple(rising if profile == "rising" else reversed(rising))
