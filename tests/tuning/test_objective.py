"""The score and the budget."""

import pytest

from tuning.objective import LatencyObjective

pytestmark = pytest.mark.one_backend("jax")  # arithmetic


def test_score_of_mnasnet():
    objective = LatencyObjective(target_ms=10, weight=0.07)
    assert objective.score(0.8, 10) == pytest.approx(0.8)
    assert objective.score(0.8, 20) == pytest.approx(0.8 * 2**-0.07)
    # Twice the latency is worth it for 5 % more accuracy, as the reference says.
    assert objective.score(0.8 * 1.05, 20) == pytest.approx(0.8, rel=2e-3)
    assert objective.score(0.8, 5) > 0.8


def test_budget():
    objective = LatencyObjective(budget_ms=4)
    assert objective.within_budget(4)
    assert not objective.within_budget(4.01)
    assert objective.score(0.9, 4) == 0.9
    assert objective.score(None, 8) == -1
    assert 0 > objective.score(None, 5) > objective.score(0.99, 6)


@pytest.mark.parametrize(
    ("given", "received"),
    [
        ({"budget_ms": 0}, "budget_ms=0"),
        ({"budget_ms": float("nan")}, "budget_ms=nan"),
        ({"target_ms": -1.0}, "target_ms=-1.0"),
        ({"weight": -0.1}, "weight=-0.1"),
    ],
)
def test_wrong_values(given, received):
    with pytest.raises(ValueError, match=received):
        LatencyObjective(**given)
