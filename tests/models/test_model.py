"""The model: its graph, its arguments, saving, precision and learning."""

import keras
import numpy as np
import pytest

from cctzoo.models import CCT, create_model
from cctzoo.weights.keras_file import load_keras_model
from tests.models.small import CLASSES, images, predict, small_model

once = pytest.mark.one_backend("torch")  # for the second case of a test of every backend
CONVOLUTIONAL = {
    "depth": 3,
    "conv_prefix": 2,
    "prefix_filters": (12, 24),
    "prefix_pool": (1,),
}


def layer_names(model):
    return [layer.name for layer in model.layers]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "preprocessing tokenizer tokens position dropout block00 block01 norm pooling"),
        (
            {"family": "vit", "kernel_size": 4, "include_preprocessing": False},
            "tokenizer tokens class_token position dropout block00 block01 norm pooling",
        ),
        (
            {**CONVOLUTIONAL, "positional_embedding": None},
            "preprocessing tokenizer prefix tokens dropout block02 norm pooling",
        ),
    ],
)
def test_graph(changes, expected):
    assert layer_names(small_model(**changes)) == ["image", *expected.split(), "classifier"]


def test_layers_can_be_called_in_their_order():
    model = small_model(family="vit", kernel_size=4)
    x = images(model)
    expected = predict(model, x)
    for layer in model.layers[1:]:
        x = layer(x)
    np.testing.assert_allclose(predict(lambda x, training: x, x), expected, atol=1e-6)


def test_arguments_reach_the_layers():
    model = small_model(
        depth=3,
        heads=(4, 16, 25),
        head_dim=(7, 5, 3),
        dropout=0.1,
        attention_dropout=0.2,
        stochastic_depth=0.4,
        norm="pre",
        mlp_ratio=3,
        positional_embedding="sine",
    )
    blocks = model.layers[-6:-3]
    assert [block.name for block in blocks] == ["block00", "block01", "block02"]
    expected = (4, 7, 0), (16, 5, 0.2), (25, 3, 0.4)
    for block, (heads, head_dim, rate) in zip(blocks, expected, strict=True):
        assert block.attention.num_heads == heads
        assert block.attention.qkv.kernel.shape == (24, 3 * heads * head_dim)
        assert block.attention.dropout == 0.2
        assert block.stochastic_depth.rate == pytest.approx(rate)
        assert block.mlp_dropout.rate == 0.1
        assert block.norm == "pre"
        assert block.expand.units == 72
    assert model.get_layer("dropout").rate == 0.1
    assert model.get_layer("position").kind == "sine"


def test_prefix_arguments_reach_the_layer():
    prefix = small_model(**CONVOLUTIONAL, prefix_kind="depthwise").get_layer("prefix")
    assert (prefix.kind, prefix.filters, prefix.pool) == ("depthwise", (12, 24), (1,))
    assert prefix.input.shape[-1] == 64


@once
@pytest.mark.parametrize("heads", [1, 6, 24])
def test_heads_do_not_change_the_parameter_count(heads):
    assert small_model(heads=heads).count_params() == small_model().count_params()


@once
@pytest.mark.parametrize(
    "changes",
    [
        {"input_shape": (13, 21, 1)},
        {"input_shape": (15, 9, 4), "kernel_size": 4},
        {"input_shape": (16, 7, 2), "kernel_size": 3, "conv_layers": 2},
        {"input_shape": (10, 15, 2), "kernel_size": 5, "family": "cvt"},
        {"input_shape": (7, 21, 3), "kernel_size": 7, "family": "vit"},
        {"input_shape": (11, 13, 5), **CONVOLUTIONAL},
        {"input_shape": (8, 8, 3), "kernel_size": 1},
    ],
)
def test_any_size_and_channels(changes):
    model = small_model(**changes, include_top=False)
    assert model.input_shape == (None, *changes["input_shape"])
    height, width = model.config.grid
    if changes.get("family") == "vit":
        assert model.output_shape == (None, 1 + height * width, 24)
    else:
        assert model.output_shape == (None, height, width, 24)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize(
    "mean", [(0.4, 0.5, 0.6), *(pytest.param(mean, marks=once) for mean in (0.4, (0.4,)))]
)
def test_preprocessing_equals_normalising_by_hand(dtype, mean):
    std = (0.2, 0.25, 0.3)
    model = small_model(mean=mean, std=std)
    bare = small_model(include_preprocessing=False)
    bare.set_weights(model.get_weights())
    x = images(model).astype(dtype)
    normalised = ((x / 255 - np.array(mean)) / np.array(std)).astype("float32")
    np.testing.assert_allclose(predict(model, x), predict(bare, normalised), atol=1e-5)
    assert not np.allclose(predict(bare, x / np.float32(255)), predict(bare, normalised), atol=1e-4)


@pytest.mark.parametrize(
    ("family", "pooling", "by_hand"),
    [
        ("cct", "avg", lambda tokens: tokens.mean(1)),
        ("cct", "max", lambda tokens: tokens.max(1)),
        ("vit", "token", lambda tokens: tokens[:, 0]),
        pytest.param("vit", None, lambda tokens: tokens[:, 0], marks=once),
        pytest.param("vit", "avg", lambda tokens: tokens.mean(1), marks=once),
    ],
)
def test_pooling(family, pooling, by_hand):
    options = {"family": family, "kernel_size": 4}
    model = small_model(pooling=pooling, **options)
    bare = small_model(include_top=False, **options)
    bare.set_weights(model.get_weights()[:-2])
    x = images(model)
    tokens = predict(bare, x).reshape(len(x), -1, 24)
    kernel, bias = model.get_layer("classifier").get_weights()
    logits = by_hand(tokens) @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(predict(model, x), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "kind"), [("cct", "SequencePooling"), ("cvt", "SequencePooling")]
)
def test_default_pooling(family, kind):
    model = small_model(family=family, kernel_size=4)
    assert type(model.get_layer("pooling")).__name__ == kind


def test_pooling_without_top():
    assert small_model(include_top=False, pooling="avg").output_shape == (None, 24)


def test_classifier_activation():
    model, sigmoid, logits = (
        small_model(classifier_activation=activation) for activation in ("softmax", "sigmoid", None)
    )
    x = images(model)
    for other in (sigmoid, logits):
        other.set_weights(model.get_weights())
    z = predict(logits, x)
    softmax = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    np.testing.assert_allclose(predict(model, x), softmax, atol=1e-6)
    np.testing.assert_allclose(predict(sigmoid, x), 1 / (1 + np.exp(-z)), atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "dtype"),
    [
        ({"heads": (2, 3)}, None),
        (
            {
                **CONVOLUTIONAL,
                "prefix_kind": "depthwise",
                "prefix_pool": [0, 1],
                "input_shape": (24, 32, 3),
            },
            None,
        ),
        ({"family": "vit", "kernel_size": 4, "positional_embedding": "sine"}, None),
        (CONVOLUTIONAL, "mixed_bfloat16"),
    ],
)
def test_saved_and_loaded(changes, dtype, tmp_path):
    model = small_model(dtype=dtype, name="other", **changes)
    model.trainable = dtype is None
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is CCT
    assert (loaded.name, loaded.config, loaded.trainable) == ("other", model.config, dtype is None)
    policies = [[layer.dtype_policy.name for layer in m.layers] for m in (model, loaded)]
    assert policies[0] == policies[1]
    assert loaded.get_layer("norm").dtype_policy.name == (dtype or "float32")
    x = images(model)
    np.testing.assert_allclose(predict(loaded, x), predict(model, x), atol=1e-6)


def test_config_and_clone():
    model = small_model(heads=[2, 3])
    x = images(model)
    twins = CCT.from_config(model.get_config()), keras.models.clone_model(model)
    assert type(twins[0]) is CCT
    assert twins[0].config == model.config
    for twin in twins:
        assert layer_names(twin) == layer_names(model)
        twin.set_weights(model.get_weights())
        np.testing.assert_allclose(predict(twin, x), predict(model, x), atol=1e-6)


def test_mixed_precision_keeps_the_classifier_in_float32():
    model = small_model(dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(model.output.dtype) == "float32"
    assert model.get_layer("norm").compute_dtype == "bfloat16"
    full = small_model()
    full.set_weights(model.get_weights())
    x = images(model)
    np.testing.assert_allclose(predict(model, x), predict(full, x), atol=0.02)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
@pytest.mark.parametrize("dtype", [None, pytest.param("mixed_bfloat16", marks=once)])
def test_quantised_saved_and_loaded(dtype, tmp_path):
    model = small_model(dtype=dtype, **CONVOLUTIONAL)
    x = images(model)
    before = predict(model, x)
    model.quantize("int8")
    after = predict(model, x)
    kernel = model.get_layer("block02").expand.kernel
    assert keras.backend.standardize_dtype(kernel.dtype) == "int8"
    assert 0 < np.abs(after - before).max() < 0.05
    model.save(tmp_path / "model.keras")
    loaded = load_keras_model(tmp_path / "model.keras")
    np.testing.assert_allclose(predict(loaded, x), after, atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "count"), [("mixed_bfloat16", 11), pytest.param("mixed_float16", 8, marks=once)]
)
def test_fit_in_mixed_precision(dtype, count):
    """With an incomplete last batch, dropout and stochastic depth."""
    model = small_model(dtype=dtype, dropout=0.1, heads=12, **CONVOLUTIONAL)
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    labels = np.arange(count) % CLASSES
    history = model.fit(images(model, count), labels, batch_size=4, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    changed = [
        np.isfinite(new).all() and (new != old).any()
        for new, old in zip(model.get_weights(), before, strict=True)
    ]
    assert np.mean(changed) > 0.8


def test_overfits_32_images():
    model = small_model(classes=4, classifier_activation=None, attention_dropout=0.0)
    rng = np.random.default_rng(0)
    x, y = images(model, 32), rng.integers(0, 4, 32)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
    model.fit(x, y, batch_size=32, epochs=40, verbose=0)
    assert model.evaluate(x, y, verbose=0)[1] == 1


def test_dtype_of_a_factory():
    model = create_model("cct_2_3x2_32", depth=1, input_shape=(16, 16, 3), dtype="mixed_bfloat16")
    assert model.get_layer("tokenizer").compute_dtype == "bfloat16"
    keras.config.set_dtype_policy("mixed_bfloat16")
    assert small_model().get_layer("block00").attention.qkv.compute_dtype == "bfloat16"
