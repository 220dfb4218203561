"""A few random cases of a fixed seed; by hand, an hour of others (see CONTRIBUTING.md)."""

import sys

import keras
import pytest

from tests.fuzz.arguments import check_arguments
from tests.fuzz.cases import Fault, is_clear, run_cases
from tests.fuzz.configurations import check_case
from tests.fuzz.files import check_files
from tests.fuzz.readers import Readers, stored

# JAX compiles each model.
COUNT = {"torch": 20, "tensorflow": 20, "jax": 6}
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and limits memory")


def test_configurations():
    tally = run_cases(check_case, seed=1, count=COUNT[keras.backend.backend()])
    assert not tally.failures, str(tally)
    assert {"valid: sound", "wrong: refused"} <= tally.counts.keys()


@linux
@pytest.mark.one_backend("torch")
def test_files():
    tally = check_files(seed=1, count=40)
    assert not tally.failures, str(tally)
    assert tally.counts.total() == 40


@pytest.mark.one_backend("torch")
def test_arguments():
    tally = check_arguments(seed=1, count=300)
    assert not tally.failures, str(tally)
    assert tally.counts["refused"] > tally.counts["returned"] > 0


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    return Readers(tmp_path_factory.mktemp("readers"))


@pytest.mark.one_backend("torch")
@pytest.mark.parametrize("target", ["pickle", "safetensors", "image", "text"])
def test_corpus(readers, target):
    """The inputs that atheris has found."""
    assert readers.check(target, readers.sound_input(target)) == "read"
    outcomes = [readers.check(target, data) for data in stored(target)]
    assert "refused" in outcomes


@pytest.mark.one_backend("torch")
def test_a_failure_is_counted():
    """A case that raises is a failure with the number that repeats it."""

    def case(numbers, folder):
        if numbers.random() < 0.5:
            raise Fault("half")
        return "good"

    tally = run_cases(case, seed=3, count=20)
    assert tally.counts["good"] + len(tally.failures) == 20
    number = int(tally.failures[0].split()[1])
    again = run_cases(case, seed=3, count=1, first=number)
    assert again.failures == tally.failures[:1] == [f"case {number} of seed 3: half"]


@pytest.mark.one_backend("torch")
@pytest.mark.parametrize(
    ("error", "clear"),
    [
        (ValueError("`heads` must be a positive integer. Received: heads=0"), True),
        (ValueError("`heads` must be a positive integer."), False),
        (AttributeError("Received: heads"), False),
        (TypeError("Received: something"), False),
        (ValueError("Received: heads=" + "1" * 1000), False),
    ],
)
def test_what_a_clear_error_is(error, clear):
    assert is_clear(error, ("heads",)) == clear
