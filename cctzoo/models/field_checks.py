"""Checks of the fields of a config; each raises a ValueError with the values that it names."""

from typing import Any

from cctzoo import limits
from cctzoo.messages import received
from cctzoo.plain_values import is_count, is_integer, is_one_of

HINTS = {"classes": " A model without a classifier has `include_top=False`."}


def require(config: Any, holds: bool, rule: str, *names: str) -> None:
    """Raises ValueError unless `holds`, with the rule and the values of the named fields."""
    if not holds:
        values = {name: getattr(config, name) for name in names}
        raise ValueError(f"{rule} {received(**values)}")


def require_choices(config: Any, **choices: tuple[Any, ...]) -> None:
    """Raises ValueError unless each field has one of its allowed values."""
    for name, allowed in choices.items():
        holds = is_one_of(getattr(config, name), allowed)
        require(config, holds, f"`{name}` must be one of {allowed}.", name)


def require_counts(config: Any, **names: str) -> None:
    """Raises ValueError unless each field is a positive integer within its limit of `limits`."""
    for name, limit in names.items():
        value = getattr(config, name)
        rule = f"`{name}` must be a positive integer.{HINTS.get(name, '')}"
        require(config, is_count(value), rule, name)
        limits.check(limit, value, f"`{name}`", **{name: value})


def check_blocks(config: Any) -> None:
    """Checks the fields that are one value for all encoder blocks, or one value per block."""
    for name in ("heads", "head_dim"):
        value = getattr(config, name)
        values = value if isinstance(value, tuple) else (value,)
        optional = name == "head_dim"
        allowed = "None, a positive integer" if optional else "a positive integer"
        require(
            config,
            (optional and value is None) or all(map(is_count, values)),
            f"`{name}` must be {allowed} or a sequence of positive integers.",
            name,
        )
    require(
        config,
        is_integer(config.conv_prefix) and 0 <= config.conv_prefix < config.depth,
        "`conv_prefix` must be an integer from 0 to `depth` - 1: at least one encoder block "
        "must remain.",
        "conv_prefix",
        "depth",
    )
    kinds = config.attention if isinstance(config.attention, tuple) else (config.attention,)
    require(
        config,
        all(is_one_of(kind, config.ATTENTION_KINDS) for kind in kinds),
        f"`attention` must be one of {config.ATTENTION_KINDS} or a sequence of them.",
        "attention",
    )
    for name in ("heads", "head_dim", "attention"):
        value = getattr(config, name)
        require(
            config,
            not isinstance(value, tuple) or len(value) == config.depth - config.conv_prefix,
            f"A sequence of `{name}` must hold one value per encoder block, `depth` - "
            f"`conv_prefix` = {config.depth - config.conv_prefix}.",
            name,
            "depth",
            "conv_prefix",
        )
    require(
        config,
        config.head_dim is not None
        or not any(config.embed_dim % heads for heads in config.block_heads),
        "`embed_dim` must be divisible by `heads` unless `head_dim` is given.",
        "embed_dim",
        "heads",
    )
