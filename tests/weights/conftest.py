"""The notices of the package are visible to `caplog`."""

import pytest


@pytest.fixture(autouse=True)
def notices(caplog):
    caplog.set_level("INFO", logger="cctzoo")
