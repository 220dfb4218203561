"""Arguments of public functions and layers: NumPy's numbers become plain, wrong types are named."""

import json

import numpy as np
import pytest

from cctzoo import analysis, data, layers, models, training, weights
from cctzoo.arguments import checked_arguments
from tests.models.small import small_model

pytestmark = pytest.mark.one_backend("torch")


@checked_arguments
def example(
    count: int, rate: float = 0.5, path: data.names.PathLike = "a", several: tuple[int, ...] = ()
):
    return count, rate, path, several


def test_numpys_numbers_become_plain():
    received = example(np.int64(3), np.float32(0.25), np.str_("b"), np.array([1, 2]))
    assert received == (3, 0.25, "b", (1, 2))
    assert [type(value) for value in received] == [int, float, str, tuple]
    assert type(received[3][0]) is int


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": "3"}, "`count` must be an integer. Received: count='3'"),
        ({"count": True}, "`count` must be an integer. Received: count=True"),
        ({"count": 1, "rate": None}, "`rate` must be a number. Received: rate=None"),
        ({"count": 1, "path": 7}, "`path` must be a str or a path. Received: path=7"),
        ({"count": 1, "several": 7}, "`several` must be a sequence. Received: several=7"),
        ({"count": 1, "several": "ab"}, "`several` must be a sequence. Received: several='ab'"),
    ],
)
def test_a_wrong_type_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        example(**arguments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: weights.load_model(7), "`path` must be a str or a path. Received: path=7"),
        (lambda: training.open_run(None), "`directory` must be .*Received: directory=None"),
        (lambda: data.load(7), "`name` must be a str. Received: name=7"),
        (lambda: data.take(np.zeros(3), "a"), "`indices` must be .*Received: indices='a'"),
        (
            lambda: models.list_models(3),
            "`pattern` must be a str or a sequence. Received: pattern=3",
        ),
        (lambda: models.CCT("cct"), "`config` must be .*Received: config='cct'"),
        (lambda: training.train(None, "run"), "`recipe` must be a Recipe. Received: recipe=None"),
        (lambda: analysis.normalise((1, 2)), "`fields` must be a matrix of numbers"),
        (lambda: layers.StochasticDepth("x"), "`rate` must be a number. Received: rate='x'"),
        (lambda: layers.ConvPrefix(8), "`filters` must be a sequence. Received: filters=8"),
    ],
)
def test_public_functions_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_data_are_loaded_with_numpys_numbers():
    loaded = data.load("digits", np.float32(0.25), np.int64(0), train_samples=np.int64(40))
    assert len(loaded.x_train) + len(loaded.x_validation) == 40


def test_a_batch_size_must_be_positive():
    model, x = small_model(), np.zeros((2, 12, 16, 3), "uint8")
    for batch_size in (0, 2**40):
        with pytest.raises(ValueError, match=f"Received: batch_size={batch_size}"):
            training.predict(model, x, batch_size)
        with pytest.raises(ValueError, match=f"Received: batch_size={batch_size}"):
            analysis.attention_entropy(model, x, batch_size=batch_size)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.MultiHeadSelfAttention(np.int64(4), head_dim=np.int8(2), seed=np.int64(3)),
        lambda: layers.EncoderBlock(np.int64(2), mlp_ratio=np.float32(1.5), seed=np.int64(1)),
        lambda: layers.ConvTokenizer(np.int64(8), np.int64(3), hidden_filters=np.int64(4)),
        lambda: layers.ConvPrefix(np.array([4, 8]), pool=np.array([1])),
        lambda: layers.TextTokenizer(np.int64(8), pooling=np.True_),
        lambda: layers.TokenImagePrefix(np.array([2, 2])),
        lambda: layers.PositionEmbedding(np.str_("sine"), np.True_),
        lambda: layers.SoftAverage(np.array([0.5, 0.5]), "logits", None),
        lambda: layers.StochasticDepth(np.float32(0.5)),
        lambda: layers.TextLength(np.int64(1)),
        lambda: layers.TokenMask(np.int64(4), np.int64(1)),
        lambda: layers.WordEmbedding(np.int64(9), np.int64(3)),
        lambda: layers.LayerNorm(epsilon=np.float32(1e-5)),
    ],
)
def test_a_layer_of_numpys_numbers_has_a_plain_config(layer):
    built = layer()
    config = built.get_config()
    assert json.loads(json.dumps(config))
    assert type(built).from_config(config).get_config() == config
