import pytest

from cctzoo.messages import LONGEST, received, shown

pytestmark = pytest.mark.one_backend("torch")


@pytest.mark.parametrize("value", [7, -3, 2.5, "cat", None, (1, 2), [True], {"a": 1}])
def test_short_values_are_shown_whole(value):
    assert shown(value) == repr(value)


@pytest.mark.parametrize(
    "value",
    ["x" * 10**6, [1] * 10**6, {i: "y" * 90 for i in range(99)}, b"z" * 999, (10**9000,)],
    ids=["text", "list", "dict", "bytes", "integer"],
)
def test_long_values_are_shortened(value):
    assert len(shown(value)) <= LONGEST


def test_huge_integers_have_their_magnitude():
    assert shown(-(10**9000)) == "-10**9000 or so"


def test_received():
    assert received(heads=3, model="cct") == "Received: heads=3, model='cct'"
