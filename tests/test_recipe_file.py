"""Recipes from a file, by --config: their precedence, their errors, and fine-tuning."""

from pathlib import Path

import pytest

from cctzoo import cli, recipe_flags, training
from cctzoo.commands import train as train_command

pytestmark = pytest.mark.one_backend("jax")  # nothing is trained


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def parsed(monkeypatch, *arguments, **defaults):
    monkeypatch.setattr("sys.argv", ["recipe.py", *arguments])
    return cli.parse(cli.recipe_parser("A recipe.", "digits", **defaults))


CONFIG = """
dataset = "digits"
epochs = 7
image_size = [20, 30]
model = "cct_4_3x2_32"

[augmentation]
flip = true

[changes]
heads = 4
depth = 2
"""


def test_a_recipe_from_a_file(monkeypatch):
    """Flags take precedence over the file, and the file over the defaults of a script."""
    Path("a.toml").write_text(CONFIG)
    _, recipe, _ = parsed(
        monkeypatch, "--config", "a.toml", "--depth", "3", "--seed", "5", heads=64, conv_prefix=1
    )
    assert (recipe.epochs, recipe.image_size, recipe.seed) == (7, (20, 30), 5)
    assert recipe.augmentation.flip
    assert recipe.changes == {"heads": 4, "depth": 3, "conv_prefix": 1}
    recipe.save("recipe.json")
    assert parsed(monkeypatch, "--config", "recipe.json")[1] == recipe
    assert parsed(monkeypatch, "--config", "recipe.json", "--epochs", "9")[1].epochs == 9


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.toml", "epoch = 7", "the recipe has no field 'epoch'. Did you mean: epochs"),
        ("a.toml", "[augmentation]\nflips = true", "`augmentation` has no field 'flips'"),
        ("a.toml", "[changes]\nhead = 2", "`changes` has no field 'head'. Did you mean: heads"),
        ("a.toml", "epochs = ", "config='a.toml'"),
        ("a.json", '{"changes": [1]}', "`changes` must be an object of fields, not [1]"),
        ("a.json", '{"start_from": 3}', "`start_from` must be a str, not 3"),
        ("a.json", '{"epochs": "many"}', "epochs='many'"),
        ("a.json", "{", "config='a.json'"),
        ("b.json", None, "config='b.json'"),
    ],
)
def test_a_broken_recipe_file(monkeypatch, capsys, name, text, message):
    if text is not None:
        Path(name).write_text(text)
    with pytest.raises(SystemExit) as stopped:
        parsed(monkeypatch, "--config", name)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_fine_tuning_takes_its_settings_from_a_file(monkeypatch):
    """The settings that depend on the number of images do not replace those of the file."""
    Path("a.toml").write_text('batch_size = 17\nstart_from = "cct_2_3x2_32.digits"')
    monkeypatch.setattr("sys.argv", ["fine_tune.py", "--config", "a.toml"])
    options, recipe, _ = cli.parse(cli.recipe_parser("Fine-tunes."), fine_tuning=True)
    assert recipe.batch_size == 17
    own = train_command._with_settings_for(
        recipe.load_data(), recipe, recipe_flags.with_config(vars(options))
    )
    assert own.batch_size == 17
    assert own.epochs != training.Recipe().epochs
