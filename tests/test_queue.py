"""`cctzoo queue`: the runs of a plan, one after another."""

import json

import pytest

from cctzoo import runs
from cctzoo.commands.main import main
from cctzoo.formats.lock import locked

pytestmark = pytest.mark.one_backend("torch")  # files and trainings of a second

PLAN = """
seeds = [0, 1]

[all]
preset = "digits"
train_samples = 60
test_samples = 40
epochs = 1
warmup_epochs = 0
batch_size = 20
changes = { depth = 1, embed_dim = 16, heads = 2 }

[runs.two]

[runs.four]
changes = { heads = 4 }
"""


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    return path


def queue(*words):
    main(["queue", "plan.toml", "--no-export", *words])


def test_a_plan_is_trained_once(plan, capsys, monkeypatch):
    queue("--dry-run")
    assert "| four | 0 of 2 |" in capsys.readouterr().out
    assert not (plan.parent / "runs").exists()
    queue()
    rows = json.loads((plan.parent / "runs/plan/results.json").read_text())
    assert [row["name"] for row in rows] == ["two", "four"]
    accuracies = [run["test_accuracy"] for run in rows[1]["runs"]]
    assert rows[1]["mean"] == pytest.approx(sum(accuracies) / 2)
    run = runs.open_run(plan.parent / "runs/plan/four/seed1")
    assert (run.recipe.seed, run.recipe.changes) == (1, {"depth": 1, "embed_dim": 16, "heads": 4})
    assert run.figures["test_accuracy"] == accuracies[1]
    assert "| four | 2 of 2 |" in capsys.readouterr().out
    report = plan.parent / "runs/plan/two/seed0/report.json"
    report.unlink()
    queue("--dry-run")
    assert "| two | 1 of 2 |" in capsys.readouterr().out
    queue()  # which resumes the run
    assert report.exists()
    trained = []
    monkeypatch.setattr(runs, "train", lambda recipe, directory, **_: trained.append(directory))
    monkeypatch.setattr("cctzoo.commands.queue.deliver_run", lambda run: trained.append(run))
    queue()
    assert not trained
    plan.write_text(PLAN + "\n[runs.three]\nchanges = { heads = 1 }\n")
    with locked(plan.parent / "runs/plan/two/seed0"):
        queue()
    assert [path.parts[-2:] for path in trained] == [("three", "seed0"), ("three", "seed1")]


def test_a_run_that_fails_does_not_stop_the_others(plan, capsys):
    text = PLAN.replace("[0, 1]", "[3]")
    plan.write_text(text.replace("[runs.two]", "[runs.two]\nlearning_rate = 1e30"))
    with pytest.raises(SystemExit) as ended:
        queue()
    assert ended.value.code == 1
    out = capsys.readouterr().out
    assert "| two | 0 of 1 |" in out
    assert "| four | 1 of 1 |" in out
    assert "two, seed 3: TrainingDiverged: The loss is not finite" in out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one table [runs.NAME]"),
        ("seed = 1", "it has no key 'seed'. Did you mean: seeds?"),
        ("seeds = []\n[runs.a]", "`seeds` must be a list of integers"),
        ("seeds = [1, 1]\n[runs.a]", "`seeds` must differ"),
        ("seeds = [true]\n[runs.a]", "`seeds` must be a list of integers"),
        ("[runs.a]\nseed = 3", "without `seed`"),
        ('[runs."../a"]', "must be that of a folder"),
        ("[runs]\na = 1", "must be a table of fields"),
        ("[runs.a]\nmodle = 1", "[runs.a] of plan.toml: the recipe has no field 'modle'"),
        ('[runs.a]\npreset = "x"', "[runs.a] of plan.toml: `preset` must be one of"),
        ("[runs.a]\npreset = [1]", "[runs.a] of plan.toml: `preset` must be one of"),
        ("[runs.a]\nchanges = 3", "`changes` of [runs.a] must be a table, not 3"),
        ("[all]\naugmentation = [1]\n[runs.a]", "`augmentation` of [all] must be a table"),
        ("[runs.a]\nepochs = 0", "[runs.a] of plan.toml: `epochs`"),
        ('[all]\ndataset = "npz:x.npz"\n[runs.a]', "must name a file that exists"),
    ],
)
def test_plans_that_cannot_be_trained(plan, capsys, text, message):
    plan.write_text(text)
    with pytest.raises(SystemExit) as ended:
        queue()
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert not (plan.parent / "runs").exists()


def test_an_interrupted_queue_says_how_to_continue(plan, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("cctzoo.commands.queue.train_or_open", interrupted)
    with pytest.raises(SystemExit):
        queue()
    found = capsys.readouterr()
    assert "The same command continues the queue" in found.out
    assert "--resume" not in found.err


def test_folders_of_other_recipes_are_refused(plan, capsys):
    folder = plan.parent / "runs/plan/two/seed1"
    folder.mkdir(parents=True)
    runs.Recipe(epochs=3, warmup_epochs=0, seed=1).save(folder / "recipe.json")
    with pytest.raises(SystemExit):
        queue()
    error = capsys.readouterr().err
    assert "must have no run of another recipe" in error
    assert "differs in changes, epochs," in error
