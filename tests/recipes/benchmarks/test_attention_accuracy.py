"""The comparison of both kinds of attention: it trains, resumes, and prints differences."""

import json

import pytest

ARGUMENTS = """
    --preset digits --train-samples 60 --test-samples 20 --batch-size 16 --epochs 1
    --warmup-epochs 0 --heads 4 --seeds 2 --directory out
"""


@pytest.mark.one_backend("torch")
def test_every_case_is_trained_once(run, tmp_path):
    changes = json.dumps({"depth": 1, "embed_dim": 16})
    done = run("benchmarks/attention_accuracy.py", *ARGUMENTS.split(), "--changes", changes)
    (row,) = json.loads((tmp_path / "out" / "report.json").read_text())["rows"]
    assert [len(row["accuracies"][kind]) for kind in ("softmax", "polynomial")] == [2, 2]
    difference = row["mean"]["polynomial"] - row["mean"]["softmax"]
    assert row["difference"] == pytest.approx(difference)
    assert f"{100 * difference:+.2f} ± {100 * row['margin']:.2f} |" in done.stdout
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.keras")}
    assert len(times) == 4
    again = run("benchmarks/attention_accuracy.py", *ARGUMENTS.split(), "--changes", changes)
    assert again.stdout.splitlines()[-1] == done.stdout.splitlines()[-1]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.keras")} == times
