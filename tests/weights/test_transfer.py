"""The weights of one model, copied into another."""

import numpy as np
import pytest
import torch

from cctzoo.weights import transfer
from tests.models.small import images, predict, small_model

once = pytest.mark.one_backend("torch")  # the first test runs on each backend


def test_equal_models_become_equal():
    source, target = small_model(), small_model()
    x = images(source)
    assert not np.allclose(predict(source, x), predict(target, x), atol=1e-3)
    transfer(source, target)
    np.testing.assert_allclose(predict(source, x), predict(target, x), atol=1e-6)


@once
def test_other_classes_leave_the_classifier_fresh(caplog):
    source, target = small_model(), small_model(classes=7)
    before = target.get_layer("classifier").get_weights()
    transfer(source, target)
    for a, b in zip(before, target.get_layer("classifier").get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(
        source.get_layer("block01").get_weights(),
        target.get_layer("block01").get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    assert caplog.messages == ["weights: fresh classifier for 7 classes"]


@once
@pytest.mark.parametrize(
    ("options", "shapes"),
    [
        ({}, ((12, 16, 3), (40, 24, 3))),
        ({"family": "vit", "kernel_size": 4, "tokenizer": "patch"}, ((12, 16, 3), (24, 20, 3))),
    ],
)
def test_positions_are_resized_like_pytorch(options, shapes, caplog):
    options = {key: value for key, value in options.items() if key != "tokenizer"}
    source, target = (small_model(input_shape=shape, **options) for shape in shapes)
    transfer(source, target)
    old, new = (model.get_layer("position").get_weights()[0] for model in (source, target))
    height, width = source.config.grid
    extra = old.shape[1] - height * width
    assert extra == (1 if options else 0)
    grid = torch.from_numpy(old[:, extra:].reshape(1, height, width, -1)).permute(0, 3, 1, 2)
    wanted = torch.nn.functional.interpolate(
        grid, size=target.config.grid, mode="bilinear", align_corners=False
    )
    wanted = wanted.permute(0, 2, 3, 1).reshape(1, -1, old.shape[2]).numpy()
    np.testing.assert_allclose(new[:, extra:], wanted, atol=1e-5)
    np.testing.assert_array_equal(new[:, :extra], old[:, :extra])
    assert "position embedding resized" in caplog.text


@once
def test_models_that_do_not_fit_change_nothing():
    source, target = small_model(), small_model(depth=3, embed_dim=48)
    before = target.get_weights()
    with pytest.raises(ValueError, match=r"missing block02/.*misshapen block00/"):
        transfer(source, target)
    for a, b in zip(before, target.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
