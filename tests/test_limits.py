import dataclasses
import os
import re
from pathlib import Path

import pytest

from cctzoo import limits

pytestmark = pytest.mark.one_backend("torch")


def test_a_size_above_a_limit_is_refused_with_the_way_to_raise_it():
    limits.check("layers", 1000, "`depth`")
    with pytest.raises(
        ValueError, match=r"`depth` must be at most 1000.*raised.*Received: depth=1001"
    ):
        limits.check("layers", 1001, "`depth`", depth=1001)


def test_raised_holds_for_the_block_and_for_child_processes():
    with limits.raised(layers=2000), limits.raised(labels=7):
        assert (limits.current().layers, limits.current().labels) == (2000, 7)
        assert os.environ[limits.VARIABLE] == "layers=2000,labels=7"  # child processes inherit it
    assert limits.current() == limits.Limits()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layer=2", "Did you mean: layers"),
        ("layers", "positive integer. Received: layers=''"),
        ("layers=-1", "positive integer"),
        ("layers=1e3", "positive integer"),
    ],
)
def test_an_environment_variable_that_cannot_be_understood(monkeypatch, text, message):
    monkeypatch.setenv(limits.VARIABLE, text)
    with pytest.raises(ValueError, match=message):
        limits.current()


@pytest.mark.parametrize("value", [0, True, 2.0, None])
def test_a_limit_is_a_positive_integer(value):
    with pytest.raises(ValueError, match="positive integer"), limits.raised(layers=value):
        pass


def test_huge_numbers_are_shortened_in_the_message():
    with pytest.raises(ValueError, match="Received: depth=1") as error:
        limits.check("layers", 10**9000, "`depth`", depth=10**9000)
    assert len(str(error.value)) < 400


def test_the_page_on_security_lists_the_limits():
    page = Path(__file__).parents[1].joinpath("docs", "security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+)(?:\^(\d+)| ([MG]iB))? \|", page, re.MULTILINE)
    units = {"": 1, "MiB": 2**20, "GiB": 2**30}
    found = {
        name: int(number.replace(",", "")) ** int(power or 1) * units[unit]
        for name, number, power, unit in rows
    }
    assert found == dataclasses.asdict(limits.Limits())
