"""Recipe: JSON round trip and invalid values."""

import re

import pytest

from cctzoo.data import Augmentation
from cctzoo.training import Recipe, load_recipe, resume, train

pytestmark = pytest.mark.one_backend("jax")  # nothing is built


def test_json_round_trip(tmp_path):
    recipe = Recipe(
        model="cct_conv",
        changes={"heads": 4, "classes": 10},
        epochs=7,
        seed=5,
        augmentation=Augmentation(crop_scale=(0.5, 1.0), policy="randaugment", mixing_epochs=3),
        start_from=tmp_path / "start.keras",
        image_size=(96, 128),
        data_dir=tmp_path,
    )
    recipe.save(tmp_path / "recipe.json")
    assert Recipe.load(tmp_path / "recipe.json") == recipe
    text = (tmp_path / "recipe.json").read_text(encoding="utf-8")
    (tmp_path / "recipe.json").write_text(text, encoding="utf-8-sig")  # by an editor on Windows
    assert Recipe.load(tmp_path / "recipe.json") == recipe


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"warmup_epochs": 45},
        {"weight_decay": -0.1},
        {"label_smoothing": 1.0},
        {"class_weights": "even"},
        {"best_by": "loss"},
        {"cooldown_epochs": -1},
        {"accumulate": 0},
        {"warmup_rate": 2.0},
        {"floor_rate": -1e-5},
        {"optimizer": "sgd"},
        {"decayed": "norms"},
        {"clip_norm": 0.0},
        {"ema": 1.0},
        {"augmentation": {"flip": True}},
        {"validation": 1.0},
        {"seed": -1},
        {"precision": "float8"},
    ],
)
def test_invalid_values(changes):
    ((name, value),) = changes.items()
    with pytest.raises(
        ValueError, match=f"`{name}` must .*Received: {re.escape(f'{name}={value!r}')}"
    ):
        Recipe(**changes)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="variant='cct_3'"):
        Recipe(model="cct_3")
    with pytest.raises(ValueError, match="embed_dim=128, heads=5"):
        Recipe(changes={"heads": 5})


@pytest.mark.parametrize(
    ("fields", "received"),
    [
        ({"dataset": "cifar"}, "name='cifar'"),
        ({"dataset": "folder:none"}, "name='folder:none'"),
        ({"start_from": "none.keras"}, "start_from='none.keras'"),
        (
            {
                "dataset": "docstrings",
                "model": "text_cct_2_k2",
                "augmentation": Augmentation(),
                "word_vectors": "none.txt",
            },
            "word_vectors='none.txt'",
        ),
    ],
)
def test_sources_are_needed_for_training_only(tmp_path, fields, received):
    recipe = Recipe(**fields)
    recipe.save(tmp_path / "recipe.json")
    assert load_recipe(tmp_path) == recipe
    for start in (recipe.check_sources, lambda: train(recipe, tmp_path / "run")):
        with pytest.raises(ValueError, match=f"Received: {received}"):
            start()
    with pytest.raises(ValueError, match=f"Received: {received}"):
        resume(tmp_path)
    assert not (tmp_path / "run").exists()


def test_other_epochs_keep_the_part_of_the_warmup():
    recipe = Recipe(epochs=40, warmup_epochs=4, cooldown_epochs=3)
    shorter = recipe.with_epochs(10)
    assert (shorter.epochs, shorter.warmup_epochs, shorter.cooldown_epochs) == (10, 1, 3)


def test_config_has_the_changes():
    config = Recipe(changes={"heads": 8}).config()
    assert (config.heads, config.kind) == (8, "images")
