"""Fine-tuning: how images are read, and the settings for a number of samples."""

import contextlib
import importlib
import types

import pytest

from cctzoo.data import Augmentation
from cctzoo.data.names import image_options
from cctzoo.training import Recipe, fine_tuning, train
from cctzoo.training.fine_tuning import fine_tuning_settings, with_model_input
from tests.data.builders import prepare
from tests.data.pictures import save_classes

pytestmark = pytest.mark.one_backend("jax")  # nothing is trained

GREY_16 = {"start_from": "cct_2_3x2_32.digits"}  # 16x16x1
TAGGED_224 = {"start_from": "cct_7_7x2_224_sine.flowers102", "model": "cct_7_7x2_224_sine"}


@pytest.fixture
def photos(tmp_path):
    return f"folder:{save_classes(tmp_path / 'photos', {'a': 1, 'b': 1})}"


@pytest.mark.parametrize(
    ("fields", "size", "colours"),
    [
        (GREY_16, 16, "grayscale"),
        (GREY_16 | {"model": "cct_7_7x2_224"}, 16, "grayscale"),
        (GREY_16 | {"image_size": (24, 18), "color_mode": "rgb"}, (24, 18), "rgb"),
        (GREY_16 | {"image_size": 24}, 24, "grayscale"),
        (GREY_16 | {"color_mode": "rgb"}, 16, "rgb"),
        (TAGGED_224, 224, "rgb"),  # not downloaded
        ({}, 32, None),
        ({"model": "cct_7_7x2_224"}, 224, None),
        ({"changes": {"input_shape": (24, 18, 3)}}, (24, 18), None),
    ],
)
def test_folders_are_read_in_the_size_and_colours_of_the_model(photos, fields, size, colours):
    recipe = with_model_input(Recipe(dataset=photos, **fields))
    assert (recipe.image_size, recipe.color_mode) == (size, colours)
    assert with_model_input(recipe) is recipe


def test_a_file_without_a_config_has_the_size_of_the_named_model(photos, monkeypatch):
    source = types.SimpleNamespace(config=None, address=None)  # as of a .pth file
    monkeypatch.setattr(fine_tuning, "open_weights", lambda *_: contextlib.nullcontext(source))
    recipe = with_model_input(Recipe(start_from="a.pth", model="cct_2_3x2_64", dataset=photos))
    assert (recipe.image_size, recipe.color_mode) == (64, None)


def test_train_reads_images_as_the_model_takes_them(photos, tmp_path, monkeypatch):
    module = importlib.import_module("cctzoo.training.train")
    monkeypatch.setattr(module, "_run", lambda recipe, *rest: recipe)
    recipe = train(Recipe(dataset=photos, **GREY_16), tmp_path / "run")
    assert (recipe.image_size, recipe.color_mode) == (16, "grayscale")


def test_arrays_and_texts_are_not_converted():
    for dataset in ("digits", "npz:some.npz", "docstrings", "csv:some.csv"):
        assert image_options(dataset) == ()
    recipe = Recipe(dataset="digits", start_from="cct_2_3x2_32.cifar10")
    assert with_model_input(recipe) is recipe
    texts = {"dataset": "docstrings", "model": "text_cct_2_k2", "augmentation": Augmentation()}
    assert with_model_input(Recipe(**texts)).image_size is None


def test_tfds_images_of_one_size_are_converted_in_colour_only(tmp_path):
    for name, shape in {"TinyFlowers": (None, None, 3), "TinyCifar": (5, 7, 3)}.items():
        one = {"train": [0, 1, 2], "test": [0, 1, 2]}
        dataset = prepare(tmp_path, name, one, shape=shape, form="PNG")
        fields = GREY_16 | {"dataset": dataset, "data_dir": tmp_path, "validation": 0.0}
        recipe = with_model_input(Recipe(**fields))
        assert recipe.image_size == (16 if shape[0] is None else None)
        assert recipe.color_mode == "grayscale"
        assert len(recipe.load_data().x_train)


@pytest.mark.parametrize("samples", [1, 2, 3, 15, 16, 200, 999, 1000, 4999, 5000, 10**6])
def test_settings_fit_the_number_of_samples(samples):
    settings = fine_tuning_settings(samples)
    recipe = Recipe(**settings, warmup_epochs=0)
    assert recipe.batch_size <= samples
    assert recipe.batch_size % 2 == 0 or samples == 1  # mixup takes pairs
    steps = recipe.epochs * (samples // recipe.batch_size)
    assert steps >= min(200, 10 * samples)
    if samples >= 200:
        assert fine_tuning_settings(10 * samples)["epochs"] <= settings["epochs"]
