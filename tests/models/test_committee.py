"""The soft committee: its output, its copies of the members, saving and training."""

import keras
import numpy as np
import pytest

from cctzoo import models
from cctzoo.export.inputs import randomise_vectors
from cctzoo.models import SoftCommittee, soft_committee
from cctzoo.weights.keras_file import load_keras_model
from tests.models.small import CLASSES, images, predict, small_model

once = pytest.mark.one_backend("torch")  # for what other tests show on every backend

CONVOLUTIONAL = {"depth": 3, "conv_prefix": 2, "prefix_kind": "depthwise"}
DIFFERENT = {
    "softmax": {"heads": (2, 3), "mean": (0.4, 0.5, 0.6)},
    "logits": {**CONVOLUTIONAL, "classifier_activation": None},
    "vit": {"family": "vit", "kernel_size": 4, "positional_embedding": "sine"},
}


def member(name="member", **changes):
    """A model whose logits differ as much as those of a trained model, so the averages differ."""
    model = small_model(name, **changes)
    randomise_vectors(model)
    *_, kernel, bias = model.get_weights()
    model.get_layer("classifier").set_weights([20 * kernel, 10 * bias])
    return model


def different():
    return [member(name, **changes) for name, changes in DIFFERENT.items()]


def softmax(z):
    z = np.exp(z - z.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)


def probabilities(model, x):
    outputs = predict(model, x)
    return outputs if model.config.classifier_activation else softmax(outputs)


@pytest.mark.parametrize("weights", [pytest.param(None, marks=once), [3, 0, np.float32(1)]])
def test_mean_of_probabilities(weights):
    members = different()
    x = images(members[0])
    each = np.stack([probabilities(m, x) for m in members])
    assert (each.max(0) - each.min(0)).max() > 0.1
    expected = np.average(each, axis=0, weights=weights)
    np.testing.assert_allclose(predict(soft_committee(members, weights=weights), x), expected, 1e-4)
    logits = soft_committee(members, weights=weights, classifier_activation=None)
    np.testing.assert_allclose(predict(logits, x), np.log(expected), rtol=1e-4, atol=1e-5)


def test_mean_of_logits():
    members = [member("a", classifier_activation=None), member("b"), member("c", heads=6)]
    x = images(members[0])
    bare = [models.CCT.from_config(m.get_config()) for m in members]
    for model, own in zip(bare, members, strict=True):
        model.set_weights(own.get_weights())
        model.get_layer("classifier").activation = keras.activations.linear
    mean = np.average([predict(model, x) for model in bare], axis=0, weights=[1, 2, 4])
    for activation, expected in {None: mean, "softmax": softmax(mean)}.items():
        committee = soft_committee(members, "logits", [1, 2, 4], activation)
        np.testing.assert_allclose(predict(committee, x), expected, rtol=1e-4, atol=1e-5)
    other = predict(soft_committee(members, "probabilities", [1, 2, 4]), x)
    assert np.abs(other - softmax(mean)).max() > 1e-3


@pytest.mark.parametrize("activation", ["softmax", pytest.param(None, marks=once)])
def test_a_committee_of_one_equals_its_member(activation):
    model = member(classifier_activation=activation)
    x = images(model)
    committee = soft_committee([model], "logits", classifier_activation=activation)
    np.testing.assert_allclose(predict(committee, x), predict(model, x), rtol=1e-5, atol=1e-6)
    one = predict(soft_committee([model]), x)
    np.testing.assert_allclose(one, probabilities(model, x), rtol=1e-5)


@once
def test_names():
    model, same, image = member("a"), member("a", heads=2), member("image")
    committee = soft_committee([model, same, model, member("a_2"), image], name="five")
    names = ["a", "a_3", "a_4", "a_2", "image_2"]
    assert [m.name for m in committee.members] == names
    assert [layer.name for layer in committee.layers] == ["image", *names, "average"]
    assert committee.get_layer("a_3").config.heads == 2
    assert committee.name == "five"
    paths = [weight.path for weight in committee.weights]
    assert len(set(paths)) == len(paths) == 5 * len(model.weights)
    assert {path.split("/")[0] for path in paths} == set(names)


def test_members_are_copied():
    model = member()
    config, weights = model.get_config(), model.get_weights()
    committee = soft_committee([model, model])
    for weight in committee.get_layer("member").weights:
        weight.assign(np.zeros(weight.shape))
    assert (model.get_config(), model.name) == (config, "member")
    for kept in (model, committee.get_layer("member_2")):
        for old, new in zip(weights, kept.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)


def saved_and_loaded(model, folder):
    model.save(folder / "model.keras")
    return load_keras_model(folder / "model.keras")


@pytest.mark.parametrize(
    ("average", "activation"),
    [("probabilities", "softmax"), pytest.param("logits", None, marks=once)],
)
def test_saved_and_loaded(average, activation, tmp_path):
    committee = soft_committee(different(), average, [1, 2, 4], activation, "ours")
    committee.members[1].trainable = False
    loaded = saved_and_loaded(committee, tmp_path)
    assert type(loaded) is SoftCommittee
    assert (loaded.name, loaded.config) == ("ours", committee.config)
    assert loaded.get_config() == committee.get_config()
    assert [m.trainable for m in loaded.members] == [True, False, True]
    x = images(committee)
    np.testing.assert_allclose(predict(loaded, x), predict(committee, x), atol=1e-6)
    committee.trainable = False
    assert not SoftCommittee.from_config(committee.get_config()).trainable_weights


@once
def test_config_and_clone():
    committee = soft_committee(different(), weights=[1, 2, 4])
    x = images(committee)
    for twin in (
        SoftCommittee.from_config(committee.get_config()),
        keras.models.clone_model(committee),
    ):
        twin.set_weights(committee.get_weights())
        np.testing.assert_allclose(predict(twin, x), predict(committee, x), atol=1e-6)


def test_members_of_several_precisions(tmp_path):
    members = [member("low", dtype="mixed_bfloat16"), member("half", dtype="mixed_float16")]
    members.append(member("full"))
    committee = soft_committee(members)
    assert keras.backend.standardize_dtype(committee.output.dtype) == "float32"
    policies = [m.get_layer("norm").dtype_policy.name for m in committee.members]
    assert policies == ["mixed_bfloat16", "mixed_float16", "float32"]
    x = images(committee)
    outputs = predict(committee, x)
    np.testing.assert_allclose(outputs, np.mean([predict(m, x) for m in members], 0), atol=1e-5)
    np.testing.assert_allclose(outputs.sum(-1), 1, atol=1e-6)
    np.testing.assert_allclose(predict(saved_and_loaded(committee, tmp_path), x), outputs, 1e-5)
    committee.compile("adam", "sparse_categorical_crossentropy")
    assert isinstance(committee.optimizer, keras.optimizers.LossScaleOptimizer)


@once  # tests/models/test_model.py quantises a model on each backend
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
def test_quantised_saved_and_loaded(tmp_path):
    committee = soft_committee([member(depth=1), member(depth=1, heads=2)])
    x = images(committee)
    before = predict(committee, x)
    committee.quantize("int8")
    after = predict(committee, x)
    kernel = committee.members[1].get_layer("block00").expand.kernel
    assert keras.backend.standardize_dtype(kernel.dtype) == "int8"
    assert 0 < np.abs(after - before).max() < 0.1
    np.testing.assert_allclose(predict(saved_and_loaded(committee, tmp_path), x), after, atol=1e-6)
    with pytest.raises(ValueError, match="'member_2', quantised"):
        soft_committee([committee.members[1]])


@pytest.mark.parametrize("average", ["probabilities", pytest.param("logits", marks=once)])
def test_fit_reaches_every_member(average):
    members = [
        small_model("a", attention_dropout=0.0, stochastic_depth=0.0),
        small_model("b", depth=3, conv_prefix=2, classifier_activation=None),
    ]
    committee = soft_committee(members, average, classifier_activation=None)
    before = committee.get_weights()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    committee.compile(keras.optimizers.Adam(0.01), loss)
    x, y = images(committee, 10), np.arange(10) % CLASSES
    first = committee.evaluate(x, y, verbose=0)
    committee.fit(x, y, batch_size=10, epochs=6, verbose=0)
    assert committee.evaluate(x, y, verbose=0) < 0.8 * first
    for weight, old, new in zip(committee.weights, before, committee.get_weights(), strict=True):
        assert np.isfinite(new).all()
        assert (new != old).any(), weight.path


@once
@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ([], {}, r"at least one `CCT`.*members=\[\]"),
        ([{"include_top": False}], {}, "'m0' include_top=False"),
        ([{}, {"classes": 3}], {}, "'m0' classes=5, 'm1' classes=3"),
        ([{}, {"input_shape": (16, 12, 3)}], {}, r"'m1' input_shape=\(16, 12, 3\)"),
        (
            [{}, {"include_preprocessing": False}],
            {},
            r"'m0' takes=0-255, 'm1' takes=\(value / 255 - \[0\.5, 0\.5, 0\.5\]\)",
        ),
        (
            [{"include_preprocessing": False}, {"include_preprocessing": False, "std": 0.2}],
            {},
            r"'m1' takes=.* / \[0\.2, 0\.2, 0\.2\]",
        ),
        ([{}, {"classifier_activation": "sigmoid"}], {}, "'m1', classifier_activation='sigmoid'"),
        ([{}], {"average": "votes"}, "average='votes'"),
        ([{}], {"classifier_activation": "sigmoid"}, "`classifier_activation` .*'sigmoid'"),
        ([{}, {}], {"weights": [1]}, r"2 finite numbers.*weights=\(1,\)"),
        ([{}, {}], {"weights": [1, -1]}, r"weights=\(1, -1\)"),
        ([{}, {}], {"weights": [0, 0.0]}, r"weights=\(0, 0\.0\)"),
        ([{}, {}], {"weights": [1, float("nan")]}, r"weights=\(1, nan\)"),
        ([{}, {}], {"weights": ["1", "2"]}, r"weights=\('1', '2'\)"),
        ([{}, {}], {"weights": 2}, "weights=2"),
    ],
)
def test_errors(changes, options, message):
    members = [small_model(f"m{i}", **change) for i, change in enumerate(changes)]
    with pytest.raises(ValueError, match=message):
        soft_committee(members, **options)


@once
def test_invalid_members():
    model = small_model()
    for members in (model, [model, keras.Sequential([keras.Input((4,))])], 3):
        with pytest.raises(ValueError, match="`members` must be a sequence"):
            soft_committee(members)


@once
def test_members_with_the_same_mean_in_two_spellings():
    """0.4 and (0.4, 0.4, 0.4) are the same mean."""
    inputs = {"include_preprocessing": False}
    a, b = member("a", mean=0.4, **inputs), member("b", mean=(0.4, 0.4, 0.4), **inputs)
    x = images(a) / 255
    expected = (predict(a, x) + predict(b, x)) / 2
    committee = soft_committee([a, b])
    np.testing.assert_allclose(predict(committee, x), expected, rtol=1e-5)
    assert (committee.config.mean, committee.config.std) == (0.4, 0.5)
