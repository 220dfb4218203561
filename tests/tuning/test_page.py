"""The page of a search, and the importance of its choices."""

import dataclasses

import pytest

from cctzoo.pages.page import join_modules
from tests.node import check_module
from tests.pages.reading import read_page
from tests.tuning.made_up import SMALL, make_plan
from tests.tuning.planted import BASE, MATTERS, SPACE, first_two, measured, planted_records
from tuning import importance, page
from tuning.records import Record
from tuning.space import HYPERPARAMETERS

pytestmark = pytest.mark.one_backend("torch")  # no model is computed
SCRIPT = page.FOLDER / "js" / "search.js"


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(importance, "TREES", 30)  # for speed


def save(records, directory):
    for record in records:
        folder = directory / "trials" / f"trial_{record.trial}"
        folder.mkdir(parents=True)
        record.save(folder)


def test_planted_choices_are_found():
    found = measured(30, 0.02, seed=0)
    assert found.is_reliable
    assert first_two(found) == MATTERS
    assert found.names == [name for name in HYPERPARAMETERS if len(getattr(SPACE, name)) > 1]
    assert all(0 <= share <= 1 for share in found.shares)
    rest = [s for s, name in zip(found.shares, found.names, strict=True) if name not in MATTERS]
    assert max(rest) < 0.1 < min(s for s in found.shares if s not in rest)


def test_latency_that_two_choices_explain():
    records = planted_records(40, 0.02, seed=1)
    found = importance.measure_importance(records, SPACE, BASE, "latency_ms")
    assert found.is_reliable
    assert first_two(found) == {"depth", "embed_dim"}


def test_noise_and_few_trials_are_not_reliable():
    noise = measured(importance.LEAST_TRIALS, 0.05, seed=0, signal=0)
    assert noise.score < importance.LEAST_SCORE
    assert not noise.is_reliable
    few = measured(importance.LEAST_TRIALS - 1, 0.0, seed=0)
    assert (few.score, few.is_reliable, few.shares) == (None, False, [])
    equal = [dataclasses.replace(each, accuracy=0.5) for each in planted_records(30, 0, seed=0)]
    found = importance.measure_importance(equal, SPACE, BASE, "accuracy")
    assert (found.score, found.is_reliable) == (None, False)


def test_rounds_of_hyperband_count_once():
    records = planted_records(25, 0.02, seed=0)
    short = [dataclasses.replace(each, epochs=1, accuracy=0.1) for each in records]
    found = importance.measure_importance([*records, *short], SPACE, BASE, "accuracy")
    alone = importance.measure_importance(records, SPACE, BASE, "accuracy")
    assert found.trials == 25
    assert found == alone


def test_points_of_a_large_space_are_drawn(monkeypatch):
    everything = importance.models_of(SPACE, BASE)
    monkeypatch.setattr(importance, "MOST_POINTS", 100)
    drawn = importance.models_of(SPACE, BASE)
    assert 50 < len(drawn) <= 100 < len(everything)
    assert all(each in everything for each in drawn)


def test_page_of_a_search(tmp_path):
    plan = make_plan(tmp_path)
    points = importance.models_of(SMALL, plan.base)
    timed = {"latency_ms": 2.0, "ratio": 1.0}
    trained = {"status": "trained", **timed, "accuracy": 0.5, "score": 0.4, "epochs": 4}
    records = [
        Record("0", points[0], **trained),
        Record("1", points[1], **trained | {"latency_ms": 1.0}),
        Record("2", points[2], "over budget", "9 ms, the budget is 5 ms", 9.0, 4.5, score=-0.8),
        Record("3", points[3], "failed", "ValueError: <script>alert(1)</script>"),
    ]
    save(records, tmp_path)
    path = page.write_page(plan, tmp_path, [{"trial": "1", "test_accuracy": 0.9, "folder": "/x"}])
    text = path.read_text("utf-8")
    assert "alert(1)" not in text
    assert "4 trials, of which 2 trained their model. 1 model is" in text
    found = read_page(path)
    assert [each["status"] for each in found["trials"]] == [each.status for each in records]
    assert found["trials"][1]["architecture"] == records[1].architecture
    assert found["trials"][2]["reason"] == records[2].reason
    assert found["trials"][0]["values"] == [str(points[0][name]) for name in HYPERPARAMETERS]
    assert found["front"] == ["1"]
    assert found["finals"] == [{"trial": "1", "test_accuracy": 0.9}]
    assert [each["reliable"] for each in found["importances"]] == [False, False]
    assert [each["trials"] for each in found["importances"]] == [2, 3]
    assert found["plan"]["target_ms"] == 1
    assert found["needs"] == {"trials": 20, "score": 0.3}
    assert [each["name"] for each in found["choices"]] == list(HYPERPARAMETERS)


def test_page_of_a_search_that_trained_nothing(tmp_path):
    plan = make_plan(tmp_path)
    (point, *_) = importance.models_of(SMALL, plan.base)
    save([Record("0", point, "over budget", "9 ms", 9.0, 4.5, score=-0.8)], tmp_path)
    found = read_page(page.write_page(plan, tmp_path))
    assert (found["front"], found["finals"]) == ([], [])


def test_script_of_the_page(tmp_path):
    check_module(join_modules(SCRIPT), tmp_path)
    for path in SCRIPT.parent.glob("*.js"):
        text = path.read_text("utf-8")
        assert "innerHTML" not in text
        assert len(text.splitlines()) < 300
