"""The command line of the recipes: presets, changes, and what is refused."""

import pytest

from cctzoo import cli, training
from cctzoo.training import presets

pytestmark = pytest.mark.one_backend("jax")  # nothing is trained


def parsed(monkeypatch, *arguments, preset="digits", **defaults):
    monkeypatch.setattr("sys.argv", ["recipe.py", *arguments])
    return cli.parse(cli.recipe_parser("A recipe.", preset), **defaults)[1:]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_nothing_given_is_the_preset(monkeypatch):
    recipe, directory, keywords = parsed(monkeypatch)
    assert recipe == training.Recipe()
    assert directory.parts[0] == "runs"
    assert keywords == {"devices": 1, "tensorboard": False}


def test_changes_of_recipe_model_and_augmentation(monkeypatch):
    arguments = "--preset cifar10_300 --dataset digits --heads [8,16] --depth 2 --epochs 30"
    arguments += " --clip-norm 1 --mixing-epochs none --no-flip --crop-scale 0.5 1 --ema 0.99"
    arguments += " --policy none --devices 2 --data-dir d --tensorboard"
    recipe, _, keywords = parsed(monkeypatch, *arguments.split(), "--changes", '{"dropout": 0.1}')
    assert recipe.changes == {"heads": [8, 16], "depth": 2, "dropout": 0.1}
    assert (recipe.epochs, recipe.cooldown_epochs) == (30, 10)
    assert recipe.warmup_epochs == 1  # 10 of 300
    assert (recipe.clip_norm, recipe.ema) == (1.0, 0.99)
    augmentation = recipe.augmentation
    assert augmentation.mixing_epochs is None
    assert augmentation.policy is None
    assert not augmentation.flip
    assert augmentation.crop_scale == (0.5, 1.0)
    assert augmentation.mixup == 0.8
    assert keywords == {"devices": 2, "data_dir": "d", "tensorboard": True}


def test_defaults_of_a_recipe_give_way(monkeypatch):
    assert parsed(monkeypatch, heads=64)[0].changes == {"heads": 64}
    assert parsed(monkeypatch, "--heads", "4", heads=64)[0].changes == {"heads": 4}


def test_resume_takes_no_recipe(monkeypatch, capsys):
    recipe, directory, _ = parsed(monkeypatch, "--resume", "run", heads=64)
    assert recipe is None
    assert str(directory) == "run"
    with pytest.raises(SystemExit):
        parsed(monkeypatch, "--resume", "run", "--epochs", "3", "--heads", "2")
    assert "--resume with --epochs, --heads" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ("--epochs 0", "epochs=0"),
        ("--heads 5", "heads=5"),
        ("--model cct_3", "cct_3"),
        ("--erasing 2", "erasing=2.0"),
        ("--crop-scale a b", "'a b'"),
        ("--crop-scale 0.1", "crop_scale=(0.1,)"),
        ("--preset cifar", "cifar"),
        ("--start-from none.keras", "none.keras"),
        ("--crop-padding 2 --crop-scale 0.5 1", "crop_padding=2"),
    ],
)
def test_what_is_wrong_ends_with_a_line(monkeypatch, capsys, arguments, received):
    with pytest.raises(SystemExit) as stopped:
        parsed(monkeypatch, *arguments.split())
    assert stopped.value.code == 2
    assert received in capsys.readouterr().err.splitlines()[-1]


def test_presets_have_the_published_numbers():
    """The tables of the design, once more: epochs, rates, decay, batch, augmentation."""
    table = {
        name: (
            *(recipe.epochs, recipe.warmup_epochs, recipe.cooldown_epochs, recipe.batch_size),
            *(recipe.learning_rate, recipe.warmup_rate, recipe.floor_rate),
            *(recipe.weight_decay, recipe.label_smoothing),
        )
        for name in presets.PRESETS
        if name not in ("digits", "docstrings", "ag_news", "imdb")  # whose numbers are ours
        for recipe in [training.preset(name, dataset="digits", image_size=None)]
    }
    assert table == {
        "cifar10_200": (200, 5, 0, 128, 5e-4, 0, 0, 3e-2, 0.1),
        "cifar100_200": (200, 5, 0, 128, 5e-4, 0, 0, 3e-2, 0.1),
        "cifar10_300": (300, 10, 10, 128, 5.5e-4, 1e-5, 1e-5, 6e-2, 0.1),
        "cifar100_300": (300, 10, 10, 128, 6e-4, 1e-6, 1e-5, 6e-2, 0.1),
        "flowers102": (300, 10, 10, 96, 5e-4, 1e-6, 1e-5, 6e-2, 0.1),
        "imagenet": (300, 10, 10, 1024, 5e-4, 1e-6, 1e-5, 5e-2, 0.1),
    }
    legacy = presets.LEGACY["augmentation"]
    assert (legacy.crop_padding, legacy.flip, legacy.policy) == (4, True, "autoaugment")
    assert (legacy.mixup, legacy.cutmix, legacy.erasing) == (0, 0, 0)
    for name in ("cifar10_300", "cifar100_300", "flowers102", "imagenet"):
        found = presets.PRESETS[name]["augmentation"]
        assert (found.policy, found.magnitude, found.magnitude_std) == ("randaugment", 9, 0.5)
        assert (found.operations, found.mixup, found.cutmix) == (2, 0.8, 1.0)
        assert found.crop_scale == ((0.08, 1.0) if name == "imagenet" else (0.8, 1.0))
        assert found.erasing == (0 if name == "cifar10_300" else 0.25)
        assert found.mixing_epochs == (175 if name == "cifar10_300" else None)
