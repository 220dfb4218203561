"""A mistyped keyword is reported as that of the function that was called."""

import inspect

import pytest

from cctzoo import data, runs, training

pytestmark = pytest.mark.one_backend("jax")  # nothing is built


@pytest.mark.parametrize(
    ("call", "function", "typed", "meant"),
    [
        (lambda **wrong: training.train(None, "run", **wrong), "train", "devcies", "devices"),
        (lambda **wrong: training.resume("run", **wrong), "resume", "data_dirr", "data_dir"),
        (lambda **wrong: training.preset("digits", **wrong), "preset", "epohcs", "epochs"),
        (lambda **wrong: training.load_recipe("run", **wrong), "load_recipe", "sed", "seed"),
        (lambda **wrong: runs.open_run("run", **wrong), "open_run", "dat_dir", "data_dir"),
        (lambda **wrong: data.load("digits", **wrong), "load", "imagesize", "image_size"),
    ],
)
def test_the_function_and_a_similar_keyword_are_named(call, function, typed, meant):
    message = f"`{function}` has no keyword `{typed}`. Did you mean: .*{meant}.*Received: {typed}=3"
    with pytest.raises(TypeError, match=message):
        call(**{typed: 3})


def test_nothing_is_suggested_without_a_similar_keyword():
    with pytest.raises(TypeError, match=r"`train` has no keyword `zzz`\. Received: zzz=1"):
        training.train(None, "run", zzz=1)


def test_the_signature_stays():
    assert list(inspect.signature(data.load).parameters)[:3] == ["name", "validation", "seed"]
    with pytest.raises(TypeError, match="positional"):
        data.load("digits", 0.1, 0, 16)
