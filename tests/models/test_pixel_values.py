"""The warning of pixels in a wrong range, and image files as a model's input."""

import re
import warnings

import keras
import numpy as np
import pytest
from PIL import Image

from cctzoo import data, models
from cctzoo.models.pixel_values import warn_of_wrong_range, wrong_range
from tests.models.small import CLASSES, images, small_config, small_model

torch_only = pytest.mark.one_backend("torch")
SCALED = r"takes pixels from 0 to 255.*Received: values from .* to (1|0\.\d+)$"


def pixels(low, high, dtype="float32", count=4):
    values = np.random.default_rng(0).uniform(low, high, (count, 12, 16, 3))
    return values.round().astype(dtype) if np.dtype(dtype).kind in "ui" else values.astype(dtype)


def warnings_of(call):
    """The warnings of a call, other than the deprecations inside Keras."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        call()
    return caught


@torch_only
@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        (pixels(0, 255), False),
        (pixels(0, 255, "uint8"), False),
        (pixels(0, 16), False),  # dark
        (pixels(-9, 270), False),  # a bicubic filter overshoots
        (pixels(0, 0), False),  # black
        (np.concatenate([pixels(0, 0), pixels(0, 255)]), False),
        (pixels(0, 1), True),
        (pixels(0, 1, "float16"), True),
        (pixels(0, 1, "uint8"), True),
        (pixels(-1, 1), True),
        (pixels(-2.2, 2.7), True),
        (np.concatenate([pixels(0, 0), pixels(0, 1)]), True),
        (pixels(0, 1)[:0], False),
    ],
)
def test_wrong_range(values, wrong):
    assert bool(wrong_range(small_config(), values)) == wrong


@torch_only
def test_wrong_range_without_preprocessing():
    config = small_config(include_preprocessing=False, mean=(0.4, 0.5, 0.6), std=0.2)
    for values in (pixels(0, 1), pixels(-3, 3), pixels(0, 0)):
        assert wrong_range(config, values) is None
    assert "takes normalised pixels" in wrong_range(config, pixels(0, 255))
    dark = small_config(include_preprocessing=False, mean=0.01, std=0.01)
    assert wrong_range(dark, pixels(-1, 99)) is None


def test_arrays_tensors_and_what_is_not_looked_at():
    config, x = small_config(), pixels(0, 1)
    tensors = [keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(x, "bfloat16")]
    for values in (x, [x], {"image": x}, *tensors):
        (caught,) = warnings_of(lambda values=values: warn_of_wrong_range(config, values))
        assert re.search(SCALED, str(caught.message))
    mixed = np.concatenate([pixels(0, 255, count=32), pixels(0, 1)])  # the first 32 images decide
    for values in (mixed, iter([x]), None, x[0], x.astype(str), [x, x]):
        assert not warn_of_wrong_range(config, values)
    text = models.variant_config("text_cct_2_k2")
    assert not warn_of_wrong_range(text, np.zeros((2, 3, 4, 1)))


@torch_only
@pytest.mark.parametrize("committee", [False, True])
def test_each_call_warns_once(committee):
    model = small_model()
    if committee:
        model = models.soft_committee([model, model])
    x, y = pixels(0, 1), np.arange(4) % CLASSES
    right = images(model, 4)
    model.compile("sgd", "sparse_categorical_crossentropy")
    calls = [
        lambda: model.predict(x, verbose=0),
        lambda: model.evaluate(x, y, verbose=0),
        lambda: model.fit(x, y, epochs=2, validation_data=(x, y), verbose=0),
        lambda: model.fit(right, y, validation_data=(x, y), verbose=0),
        lambda: model.predict_on_batch(x),
        lambda: model.test_on_batch(x, y),
        lambda: model.train_on_batch(x=x, y=y),
    ]
    for call in calls:
        (caught,) = warnings_of(call)
        assert re.search(SCALED, str(caught.message))
        assert caught.filename == __file__
    assert not warnings_of(lambda: model.fit(right, y, validation_data=(right, y), verbose=0))


def test_fit_takes_arrays_and_generators():
    model = small_model(depth=1)
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = images(model, 4), np.arange(4) % CLASSES
    batches = [(x, y)] * 2
    model.fit((batch for batch in batches), steps_per_epoch=2, shuffle=False, verbose=0)
    model.fit(x, y, batch_size=4, verbose=0)
    assert model.predict(((x,) for _ in range(1)), steps=1, verbose=0).shape == (4, CLASSES)


@torch_only
def test_the_view_travels_with_the_model(tmp_path):
    """A committee has the view of its members; `.keras` files and Hub folders carry it."""
    from cctzoo.weights import load_from_folder, save_to_folder

    Image.linear_gradient("L").convert("RGB").resize((50, 30)).save(tmp_path / "a.png")
    view = data.View(crop_pct=0.7, interpolation="bilinear")
    model = small_model(view=view)
    expected = data.read_images([tmp_path / "a.png"], (12, 16, 3), view)
    committee = models.soft_committee([model, small_model("other", view=view)])
    for i, each in enumerate((model, committee)):
        each.save(tmp_path / f"{i}.keras")
        save_to_folder(each, tmp_path / f"folder{i}")
        for back in (
            each,
            keras.saving.load_model(tmp_path / f"{i}.keras"),
            load_from_folder(tmp_path / f"folder{i}"),
        ):
            assert back.config.view == view
            np.testing.assert_array_equal(back.read_images([tmp_path / "a.png"]), expected)
        card = (tmp_path / f"folder{i}" / "README.md").read_text()
        assert 'model.predict(model.read_images(["photo.jpg"]))' in card
    mixed = models.soft_committee([model, small_model("other", view=data.View())])
    assert mixed.config.view is None
    with pytest.raises(ValueError, match="2 different views"):
        mixed.read_images([tmp_path / "a.png"])
    with pytest.raises(ValueError, match="view=None"):
        models.soft_committee([small_model()]).read_images([tmp_path / "a.png"])


@torch_only
def test_a_view_needs_grey_or_rgb():
    with pytest.raises(ValueError, match=r"1 or 3 channels.*input_shape=\(12, 16, 4\)"):
        small_config(input_shape=(12, 16, 4), view=data.View())
