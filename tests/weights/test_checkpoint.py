"""PyTorch checkpoints: wrappers, adaptations, refusals, and writing."""

import re

import numpy as np
import pytest
import torch
from keras import ops

from cctzoo.weights import (
    load_pytorch_checkpoint,
    load_state_dict,
    save_pytorch_checkpoint,
    state_dict,
)
from tests.models.small import images, predict, small_model
from tests.weights.authors import FAMILIES, assert_state, made_up, tensors
from tests.weights.notices import adaptations

once = pytest.mark.one_backend("torch")  # reading does not depend on the backend


@once
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
def test_round_trip(family, suffix, tmp_path):
    """Bit by bit, under the same keys."""
    model, other = small_model(**FAMILIES[family]), small_model(**FAMILIES[family])
    state = made_up(family)
    load_state_dict(model, state)
    path = tmp_path / f"a{suffix}"
    save_pytorch_checkpoint(model, path)
    load_pytorch_checkpoint(other, path)
    assert_state(other, state)
    if suffix != ".safetensors":
        for key, tensor in torch.load(path, weights_only=True).items():
            np.testing.assert_array_equal(tensor.numpy(), state[key])


@once
def test_dtypes(tmp_path):
    state = made_up("cct")
    for dtype, tolerance in ((torch.float64, 0), (torch.float16, 1e-3), (torch.bfloat16, 1e-2)):
        model = small_model(**FAMILIES["cct"])
        torch.save({k: t.to(dtype) for k, t in tensors(state).items()}, tmp_path / "a.pth")
        load_pytorch_checkpoint(model, tmp_path / "a.pth")
        for key, array in state_dict(model).items():
            np.testing.assert_allclose(array, state[key], rtol=tolerance, atol=tolerance)


@once
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16"])
def test_policies(policy, tmp_path):
    model, state = small_model(dtype=policy, **FAMILIES["cct"]), made_up("cct")
    load_state_dict(model, state)
    save_pytorch_checkpoint(model, tmp_path / "a.pth")
    for key, tensor in torch.load(tmp_path / "a.pth", weights_only=True).items():
        assert tensor.dtype == torch.float32
        np.testing.assert_allclose(tensor.numpy(), state[key], rtol=1e-2, atol=1e-2)


@once
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_channels_are_adapted(channels, tmp_path, caplog):
    state = made_up("cct")
    torch.save(tensors(state), tmp_path / "a.pth")
    model = small_model(**FAMILIES["cct"], input_shape=(12, 16, channels))
    load_pytorch_checkpoint(model, tmp_path / "a.pth")
    old = state["tokenizer.conv_layers.0.0.weight"]  # (out, in, height, width)
    new = state_dict(model)["tokenizer.conv_layers.0.0.weight"]
    if channels == 1:
        np.testing.assert_allclose(new[:, 0], old.sum(axis=1), rtol=1e-6)
    else:
        for i in range(channels):
            np.testing.assert_allclose(new[:, i], old[:, i % 3] * 3 / channels, rtol=1e-6)
    said = {1: "summed over", 2: "repeated for", 5: "repeated for"}[channels]
    assert adaptations(caplog) == [f"weights: first kernel {said} channels, 3 -> {channels}"]


@once
def test_kernel_for_grey_images_equals_repeated_channels(tmp_path):
    options = {"mean": 0.4, "std": 0.3, **FAMILIES["cct"]}
    coloured, grey = small_model(**options), small_model(input_shape=(12, 16, 1), **options)
    save_pytorch_checkpoint(coloured, tmp_path / "a.pth")
    load_pytorch_checkpoint(grey, tmp_path / "a.pth")
    x = images(grey)
    np.testing.assert_allclose(
        predict(grey, x), predict(coloured, np.repeat(x, 3, axis=-1)), atol=1e-5
    )


@once
def test_classifier_for_other_classes_is_fresh(tmp_path, caplog):
    source = small_model()
    save_pytorch_checkpoint(source, tmp_path / "a.pth")
    seven = small_model(classes=7)
    fresh = seven.get_layer("classifier").get_weights()
    load_pytorch_checkpoint(seven, tmp_path / "a.pth")
    assert adaptations(caplog) == ["weights: fresh classifier for 7 classes"]
    caplog.clear()
    for weight, expected in zip(seven.get_layer("classifier").get_weights(), fresh, strict=True):
        np.testing.assert_array_equal(weight, expected)
    bare = small_model(include_top=False)
    load_pytorch_checkpoint(bare, tmp_path / "a.pth")
    assert adaptations(caplog) == [
        "weights: skipped, model has no classifier: classifier.attention_pool.weight, "
        "classifier.attention_pool.bias, classifier.fc.weight, classifier.fc.bias"
    ]
    for name in ("tokenizer", "block01", "norm"):
        for model in (seven, bare):
            pairs = zip(
                model.get_layer(name).get_weights(),
                source.get_layer(name).get_weights(),
                strict=True,
            )
            for weight, expected in pairs:
                np.testing.assert_array_equal(weight, expected)


SQUARE = {"kernel_size": 4, "family": "cvt", "input_shape": (16, 16, 3)}


@pytest.mark.parametrize("family", ["cvt", "vit"])
@pytest.mark.parametrize(
    "shape", [(12, 40, 3), *(pytest.param(s, marks=once) for s in ((24, 24, 3), (8, 32, 3)))]
)
def test_positions_are_resized_like_pytorch(family, shape, tmp_path, caplog):
    """As in the authors' tool; the position of a class token is kept."""
    options = {**SQUARE, "family": family}
    source, target = small_model(**options), small_model(**{**options, "input_shape": shape})
    save_pytorch_checkpoint(source, tmp_path / "a.pth")
    load_pytorch_checkpoint(target, tmp_path / "a.pth", grid=(4, 4))
    old, new = (state_dict(model)["classifier.positional_emb"] for model in (source, target))
    extra = int(family == "vit")
    grid = torch.from_numpy(old[:, extra:].reshape(1, 4, 4, 24)).permute(0, 3, 1, 2)
    size = target.config.grid
    wanted = torch.nn.functional.interpolate(grid, size=size, mode="bilinear", align_corners=False)
    wanted = wanted.permute(0, 2, 3, 1).reshape(1, -1, 24).numpy()
    np.testing.assert_allclose(new[:, extra:], wanted, atol=1e-5)
    np.testing.assert_array_equal(new[:, :extra], old[:, :extra])
    assert adaptations(caplog) == [f"weights: position embedding resized (4, 4) -> {size}"]


@once
def test_resizing_positions_twice_returns_a_plane(tmp_path):
    """8 -> 12 -> 8 tokens a side: equal except at the border, which is clamped."""
    small, large = (
        small_model(**{**SQUARE, "family": "vit", "input_shape": (side, side, 3)})
        for side in (32, 48)
    )
    y, x, channel = np.meshgrid(np.arange(8), np.arange(8), np.arange(24), indexing="ij")
    plane = ((channel + 1) * x - 2 * y + channel).astype("float32") / 24
    token = np.full((1, 1, 24), 9, "float32")
    embedding = np.concatenate([token, plane.reshape(1, 64, 24)], axis=1)
    small.get_layer("position").set_weights([embedding])
    for source, target in ((small, large), (large, small)):
        save_pytorch_checkpoint(source, tmp_path / "a.pth")
        load_pytorch_checkpoint(target, tmp_path / "a.pth")
    (back,) = small.get_layer("position").get_weights()
    np.testing.assert_array_equal(back[:, :1], token)
    inner = back[:, 1:].reshape(8, 8, 24)[1:-1, 1:-1]
    np.testing.assert_allclose(inner, plane[1:-1, 1:-1], atol=1e-4)


@once
def test_grid_that_is_not_square_must_be_given(tmp_path):
    source, target = small_model(), small_model(input_shape=(40, 24, 3))
    save_pytorch_checkpoint(source, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=re.escape("(1, 12, 24), expected (1, 60, 24)")):
        load_pytorch_checkpoint(target, tmp_path / "a.pth")
    load_pytorch_checkpoint(target, tmp_path / "a.pth", grid=(3, 4))


@once
def test_sines(tmp_path):
    """Sines are written as a table, as the authors do; learned positions are refused."""
    sine, other = (small_model(positional_embedding="sine") for _ in range(2))
    save_pytorch_checkpoint(sine, tmp_path / "a.pth")
    assert "classifier.positional_emb" in torch.load(tmp_path / "a.pth", weights_only=True)
    load_pytorch_checkpoint(other, tmp_path / "a.pth")
    assert_state(other, state_dict(sine))
    larger = small_model(positional_embedding="sine", input_shape=(40, 24, 3))
    load_pytorch_checkpoint(larger, tmp_path / "a.pth")
    learnable = small_model()
    load_pytorch_checkpoint(learnable, tmp_path / "a.pth")  # learned positions can start as sines
    x = images(sine)
    np.testing.assert_allclose(predict(learnable, x), predict(sine, x), atol=1e-5)
    save_pytorch_checkpoint(small_model(), tmp_path / "a.pth")
    with pytest.raises(ValueError, match='positional_embedding="sine"'):
        load_pytorch_checkpoint(sine, tmp_path / "a.pth")


def faulty(state, key, tensor):
    return {**tensors(state), key: tensor}


@once
@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("classifier.norm.weight", torch.full((24,), float("nan")), "not finite classifier.norm"),
        (
            "classifier.norm.bias",
            torch.full((24,), 1e300, dtype=torch.float64),
            "not finite classifier",
        ),
        ("classifier.fc.bias", torch.zeros(5, dtype=torch.int32), "not floating-point"),
        ("classifier.fc.bias", torch.zeros(6), "misshapen classifier.fc.bias"),
        ("classifier.positional_emb", torch.zeros(12, 24), "misshapen classifier.positional_emb"),
        ("classifier.positional_emb", torch.zeros(1, 0, 24), "misshapen classifier.pos"),
        ("tokenizer.conv_layers.0.0.weight", torch.zeros(64, 0, 3, 3), "misshapen tokenizer"),
        ("classifier.more", torch.zeros(3), "unexpected classifier.more"),
    ],
)
def test_invalid_arrays_change_nothing(key, value, fault, tmp_path):
    model, state = small_model(**FAMILIES["cct"]), made_up("cct")
    load_state_dict(model, state)
    before = state_dict(model)
    changed = {name: array + 1 for name, array in state.items()}
    torch.save(faulty(changed, key, value), tmp_path / "a.pth")
    with pytest.raises(ValueError, match=re.escape(f"Received: {fault}")):
        load_pytorch_checkpoint(model, tmp_path / "a.pth")
    assert_state(model, before)


@once
def test_not_strict(tmp_path, caplog):
    model, state = small_model(**FAMILIES["cct"]), made_up("cct")
    kept = model.get_layer("norm").get_weights()
    part = {key: array for key, array in state.items() if ".norm." not in key}
    torch.save({**tensors(part), "head.more": torch.zeros(2)}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"missing classifier\.norm\.weight"):
        load_pytorch_checkpoint(model, tmp_path / "a.pth")
    load_pytorch_checkpoint(model, tmp_path / "a.pth", strict=False)
    assert adaptations(caplog) == [
        "weights: not in the file, kept as before: classifier.norm.weight, classifier.norm.bias",
        "weights: not in the model, ignored: head.more",
    ]
    for weight, expected in zip(model.get_layer("norm").get_weights(), kept, strict=True):
        np.testing.assert_array_equal(weight, expected)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(model.get_layer("classifier").bias), state["classifier.fc.bias"]
    )


@once
def test_invalid_paths_and_models(tmp_path):
    with pytest.raises(ValueError, match=r"a file that exists.*none\.pth"):
        load_pytorch_checkpoint(small_model(), tmp_path / "none.pth")
    with pytest.raises(ValueError, match=r"must end with one of .*a\.h5"):
        save_pytorch_checkpoint(small_model(), tmp_path / "a.h5")
    with pytest.raises(ValueError, match="conv_prefix=2"):
        save_pytorch_checkpoint(small_model(depth=3, conv_prefix=2), tmp_path / "a.pth")
    quantised = small_model()
    quantised.get_layer("classifier").quantize("int8")
    with pytest.raises(ValueError, match="quantised"):
        save_pytorch_checkpoint(quantised, tmp_path / "a.pth")
    assert not list(tmp_path.iterdir())
