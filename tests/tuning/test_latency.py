"""EdgeLatency with a command in place of a phone, and exported files of some bytes."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from cctzoo import export
from cctzoo.latency_command import LatencyCommandError
from cctzoo.models import variant_config
from tuning.latency import EdgeLatency

pytestmark = pytest.mark.one_backend("jax")  # no model is exported

CONFIG = variant_config("cct_2_3x2_32", input_shape=(16, 16, 1), classes=3, depth=1, embed_dim=8)
COUNT_BYTES = """
import os, pathlib, sys
with open("calls", "a") as file:
    file.write("x")
load = pathlib.Path("load")
print("took", os.path.getsize(sys.argv[1]) * (float(load.read_text()) if load.exists() else 1))
"""


@pytest.fixture
def meter(tmp_path, monkeypatch):
    """A meter whose files have one byte per block, and whose command reports 1 ms per byte.

    A number in the file `load` multiplies the milliseconds.
    """

    def to_litert(model, path, precision):
        Path(path).write_bytes(b"x" * model.config.depth)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(export, "to_litert", to_litert)
    Path("count.py").write_text(COUNT_BYTES)
    return EdgeLatency(cache="cache", command=f"{sys.executable} count.py {{model}}")


def calls():
    return Path("calls").stat().st_size


def test_measures_once(meter):
    first = meter.measure(CONFIG)
    assert first == {"latency_ms": 1, "ratio": 0.5, "anchor_ms": 2}  # the anchor has two blocks
    before = calls()
    assert meter.measure(CONFIG) == first
    assert calls() == before


@pytest.mark.parametrize("changes", [{"precision": "dynamic_int8"}, {"threads": 2}])
def test_measures_again_with_other_settings(meter, changes):
    meter.measure(CONFIG)
    before = calls()
    dataclasses.replace(meter, **changes).measure(CONFIG)
    assert calls() > before


def test_measures_other_architectures(meter):
    deeper = dataclasses.replace(CONFIG, depth=3)
    assert meter.measure(CONFIG)["latency_ms"] == 1
    assert meter.measure(deeper)["latency_ms"] == 3


def test_load_on_the_machine_does_not_change_milliseconds(meter):
    meter.measure(CONFIG)
    Path("load").write_text("10")
    measured = meter.measure(dataclasses.replace(CONFIG, depth=3))
    assert measured == {"latency_ms": 3, "ratio": 1.5, "anchor_ms": 2}


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
def test_commands_that_fail(meter, code, message):
    Path("command.py").write_text(code)
    broken = dataclasses.replace(meter, command=f"{sys.executable} command.py {{model}}")
    with pytest.raises(LatencyCommandError, match=message):
        broken.measure(CONFIG)
    assert not list(Path("cache").glob("*.json"))


def test_a_command_that_does_not_exist(meter):
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
def test_invalid_values(given, received, tmp_path):
    with pytest.raises(ValueError, match=received):
        EdgeLatency(cache=str(tmp_path), **given)


def test_cached_file_describes_its_architecture(meter):
    meter.measure(CONFIG)
    (entry,) = (path for path in Path("cache").glob("*.json") if "anchor" not in path.name)
    assert json.loads(entry.read_text())["of"]["config"]["embed_dim"] == 8
