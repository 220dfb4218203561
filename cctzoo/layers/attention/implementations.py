"""The implementations of attention that a user can choose."""

IMPLEMENTATIONS = ("auto", "plain", "fused")


def check_implementation(implementation: str) -> None:
    """Raises ValueError for an unknown implementation."""
    if implementation not in IMPLEMENTATIONS:
        raise ValueError(
            f"`implementation` must be one of {IMPLEMENTATIONS}. "
            f"Received: implementation={implementation!r}"
        )
