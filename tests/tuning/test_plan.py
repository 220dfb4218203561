"""LatencyObjective: score and budget. SearchPlan: recipes, saving and invalid values."""

import json

import pytest

from cctzoo import training
from tests.tuning import made_up
from tuning.latency import EdgeLatency
from tuning.plan import LatencyObjective, SearchPlan

pytestmark = pytest.mark.one_backend("jax")  # no model is built


def test_score_is_that_of_mnasnet():
    objective = LatencyObjective(target_ms=10, weight=0.07)
    assert objective.score(0.8, 10) == pytest.approx(0.8)
    assert objective.score(0.8, 20) == pytest.approx(0.8 * 2**-0.07)
    # 5 % more accuracy compensates twice the latency, as in the reference.
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
def test_invalid_objectives(given, received):
    with pytest.raises(ValueError, match=received):
        LatencyObjective(**given)


def test_a_saved_plan_is_loaded_unchanged(tmp_path):
    recipe = training.Recipe(changes={"conv_layers": 1}, image_size=(96, 128))
    plan = made_up.make_plan(tmp_path, recipe=recipe, objective=LatencyObjective(budget_ms=3.0))
    plan.save(tmp_path)
    assert SearchPlan.load(tmp_path, latency_cache=plan.latency.cache) == plan


def test_a_stored_command_is_run_only_if_it_is_given_again(tmp_path):
    latency = EdgeLatency(cache="/elsewhere", command="time {model}")
    plan = made_up.make_plan(tmp_path, latency=latency)
    plan.save(tmp_path)
    for command in (None, "another {model}"):
        with pytest.raises(ValueError, match="only if the same command is given again"):
            SearchPlan.load(tmp_path, latency_command=command)
    loaded = SearchPlan.load(tmp_path, latency_command="time {model}", latency_cache=tmp_path)
    assert loaded.latency == EdgeLatency(cache=str(tmp_path), command="time {model}")
    fields = json.loads((tmp_path / "search.json").read_text())
    fields["latency"]["cache"] = "/elsewhere"
    (tmp_path / "search.json").write_text(json.dumps(fields))
    loaded = SearchPlan.load(tmp_path, latency_command="time {model}", latency_cache=tmp_path)
    assert loaded.latency.cache == str(tmp_path)


def test_recipes_of_a_point_have_its_config(tmp_path):
    plan = made_up.make_plan(tmp_path)
    for values in plan.space.points():
        if values["conv_prefix"] < values["depth"]:
            recipe = plan.full_recipe(values)
            config = training.Recipe(model=recipe.model, changes=recipe.changes | plan.data_fields)
            assert config.config() == plan.config(values)


def test_proxy_recipe(tmp_path):
    recipe = training.Recipe(epochs=50, warmup_epochs=5, cooldown_epochs=3)
    plan = made_up.make_plan(tmp_path, recipe=recipe, proxy_epochs=10, proxy_samples=500)
    proxy = plan.proxy(recipe)
    assert (proxy.epochs, proxy.warmup_epochs, proxy.cooldown_epochs) == (10, 1, 0)
    assert (proxy.train_samples, proxy.test_samples) == (500, 100)


@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"trials": 0}, "trials=0"),
        ({"proxy_epochs": 0}, "proxy_epochs=0"),
        ({"oracle": "grid"}, "oracle='grid'"),
        ({"recipe": training.Recipe(validation=0.0)}, "validation=0.0"),
        ({"data_fields": {"input_shape": (1, 1, 1)}}, "input_shape"),
    ],
)
def test_invalid_plans(changes, received, tmp_path):
    with pytest.raises(ValueError, match=received):
        made_up.make_plan(tmp_path, **changes)


def test_a_directory_without_a_search(tmp_path):
    with pytest.raises(ValueError, match=r"search\.json"):
        SearchPlan.load(tmp_path)
