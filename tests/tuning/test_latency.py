"""Latency before training, with a command in place of a phone."""

import dataclasses
import json
import sys

import pytest

from cctzoo.models import variant_config
from tuning.latency import EdgeLatency, LatencyCommandError

pytestmark = pytest.mark.one_backend("jax")  # nothing is exported

CONFIG = variant_config("cct_2_3x2_32", input_shape=(16, 16, 1), classes=3, depth=1, embed_dim=8)


@pytest.fixture
def meter(tmp_path, monkeypatch):
    """Of a command that takes a millisecond for each byte; exports are one byte a block."""
    script = tmp_path / "count.py"
    script.write_text("import os, sys; print('took', os.path.getsize(sys.argv[1]))")

    def export(self, config, path, precision):
        path.write_bytes(b"x" * config.depth)

    monkeypatch.setattr(EdgeLatency, "_export", export)
    return EdgeLatency(
        cache=str(tmp_path / "cache"), command=f"{sys.executable} {script} {{model}}"
    )


def test_measured_once(meter, monkeypatch):
    first = meter.measure(CONFIG)
    assert first == {"latency_ms": 1, "ratio": 0.5, "anchor_ms": 2}  # the anchor has two blocks
    monkeypatch.setattr(EdgeLatency, "_time", None)
    assert meter.measure(CONFIG) == first


def test_every_difference_is_measured(meter):
    deeper = dataclasses.replace(CONFIG, depth=3)
    assert meter.measure(CONFIG)["latency_ms"] == 1
    assert meter.measure(deeper)["latency_ms"] == 3
    other = dataclasses.replace(meter, precision="dynamic_int8", threads=2)
    assert len({m._entry(CONFIG) for m in (meter, other)} | {meter._entry(deeper)}) == 3


def test_milliseconds_are_those_of_the_first_hour(meter, monkeypatch):
    meter.measure(CONFIG)
    monkeypatch.setattr(EdgeLatency, "_time", lambda self, anchor, candidate: (20.0, 1.5))
    busy = meter.measure(dataclasses.replace(CONFIG, depth=3))
    assert busy == {"latency_ms": 3, "ratio": 1.5, "anchor_ms": 2}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.exit('no phone')", "Received: 1 .*no phone"),
        ("print('fast')", "Received: 'fast'"),
        ("print('')", "Received: ''"),
        ("print('nan')", "Received: 'nan'"),
        ("print(0)", "Received: '0'"),
        ("print('3 ms')", "Received: '3 ms'"),
    ],
)
def test_commands_that_fail(meter, tmp_path, code, message):
    script = tmp_path / "command.py"
    script.write_text(code)
    broken = dataclasses.replace(meter, command=f"{sys.executable} {script} {{model}}")
    with pytest.raises(LatencyCommandError, match=message):
        broken.measure(CONFIG)
    assert not list((tmp_path / "cache").glob("*.json"))


def test_a_command_that_is_none(meter):
    with pytest.raises(LatencyCommandError, match="no_such_program"):
        dataclasses.replace(meter, command="no_such_program {model}").measure(CONFIG)


@pytest.mark.parametrize(
    ("given", "received"),
    [
        ({"command": "sh time.sh"}, "command='sh time.sh'"),
        ({"precision": "int8"}, "precision='int8'"),
        ({"runs": 0}, "runs=0"),
    ],
)
def test_wrong_values(given, received, tmp_path):
    with pytest.raises(ValueError, match=received):
        EdgeLatency(cache=str(tmp_path), **given)


def test_cached_file_says_what_it_is(meter, tmp_path):
    meter.measure(CONFIG)
    (entry,) = (path for path in (tmp_path / "cache").glob("*.json") if "anchor" not in path.name)
    assert json.loads(entry.read_text())["of"]["config"]["embed_dim"] == 8
