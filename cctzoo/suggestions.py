"""Suggestions for error messages about an unknown name."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """Returns ` Did you mean: a, b?` with similar names, or an empty string without any."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=cutoff)
    return f" Did you mean: {', '.join(near)}?" if near else ""
