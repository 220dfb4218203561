"""The comparison of committees: squares of models, and a run on tiny models."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[3] / "recipes" / "benchmarks" / "committees.py"
ARGUMENTS = """
    --preset digits --train-samples 60 --test-samples 20 --batch-size 16 --epochs 1
    --warmup-epochs 0 --members 1 2 --seeds 4 --directory out
"""
once = pytest.mark.one_backend("torch")


@once
def test_committees_of_known_answers():
    """Models with the same heads err on the same samples: only different heads help."""
    compare = runpy.run_path(str(SCRIPT))["compare"]
    labels = np.zeros(6, int)
    outputs = {}
    for place, heads in enumerate((2, 4, 8)):
        answers = np.where(np.arange(6) // 2 == place, 0.0, 0.9)  # each errs on two samples
        for seed in range(6):
            outputs[heads, seed] = np.column_stack([answers, 1 - answers])
    found = compare(outputs, labels, [2, 4, 8], 6)
    assert found["single"][4] == [pytest.approx(4 / 6)] * 6
    assert found["equal"][8] == [pytest.approx(4 / 6)] * 2
    assert found["different"] == [1.0, 1.0]
    assert (found["difference"], found["margin"]) == (pytest.approx(1 / 3), 0)


@once
def test_a_small_comparison(run, tmp_path):
    changes = json.dumps({"depth": 1, "embed_dim": 16})
    done = run("benchmarks/committees.py", *ARGUMENTS.split(), "--changes", changes)
    figures = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [len(each) for each in figures["single"].values()] == [4, 4]
    assert f"structure: {100 * figures['difference']:+.2f} ±" in done.stdout
    assert len(list(tmp_path.glob("out/*/model.keras"))) == 8


@once
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--members", "2"], "--members must be two or more that differ. Received: [2]"),
        (["--members", "2", "2"], "Received: [2, 2]"),
        (["--seeds", "3"], "--seeds must be a multiple of the 2 members, at least 4. Received: 3"),
        (["--seeds", "2"], "Received: 2"),
    ],
)
def test_rules(run, words, message):
    done = run("benchmarks/committees.py", *ARGUMENTS.split(), *words, status=2)
    assert message in done.stderr.splitlines()[-1]
