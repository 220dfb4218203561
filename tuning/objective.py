"""The objective: accuracy against measured latency."""

import dataclasses
import math

from cctzoo.settings import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class LatencyObjective:
    """One number for accuracy and latency, and the budget that no model may exceed.

    The score is accuracy * (latency / target) ** -weight; without a target, or with weight
    0, the accuracy alone.

    Args:
        target_ms: latency that costs nothing, in milliseconds.
        weight: how much latency counts; at 0.07 twice the latency is worth it for 5 % more
            accuracy (relative).
        budget_ms: models that take longer are not trained; their score is 0 or less.

    Raises:
        ValueError: for a latency that is not positive, or a negative weight.

    Reference: Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile",
    arXiv 1807.11626, equation 2.
    """

    target_ms: float | None = setting(None, "latency without a penalty, in milliseconds")
    weight: float = setting(
        0.07, "weight of latency: at 0.07, doubled latency costs 5 percent of accuracy"
    )
    budget_ms: float | None = setting(
        None, "models slower than this are not trained, in milliseconds"
    )

    def __post_init__(self):
        for name in ("target_ms", "budget_ms"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(
                    f"`{name}` must be a positive number of milliseconds. Received: {name}={value}"
                )
        if not 0 <= self.weight < math.inf:
            raise ValueError(f"`weight` must be 0 or positive. Received: weight={self.weight}")

    def within_budget(self, latency_ms):
        """Whether a model of this latency is to be trained."""
        return self.budget_ms is None or latency_ms <= self.budget_ms

    def score(self, accuracy, latency_ms):
        """What the search maximises.

        Over the budget it falls from 0 with the excess, whatever the accuracy (`None` for a
        model that was not trained), so that a search learns which way is faster.
        """
        if not self.within_budget(latency_ms):
            return 1 - latency_ms / self.budget_ms
        if self.target_ms is None:
            return accuracy
        return accuracy * (latency_ms / self.target_ms) ** -self.weight
