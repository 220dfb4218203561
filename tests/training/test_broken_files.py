"""The files of a run from elsewhere: whatever is broken is one error that names the file."""

import json
import math
import shutil
import time

import keras
import numpy as np
import pytest

from cctzoo import training
from cctzoo.training import checkpoint
from tests.models.small import small_model

pytestmark = pytest.mark.one_backend("torch")  # NumPy and files
DEEP = "[" * 10**5 + "]" * 10**5
PARTS = {part: {"samples": 9, "sha256": "00ff"} for part in ("train", "validation", "test")}
DATA = {"name": "digits", "classes": ["a", "b"], "shape": [8, 8, 1], "parts": PARTS}
REPORT = {
    "test_accuracy": 0.5,
    "test_samples": 9,
    "last_validation_accuracy": None,
    "training_seconds": 2.0,
    "samples_per_second": 3.5,
    "backend": "jax",
    "more": "of a later version",
}
HISTORY = "epoch,loss,val_loss,accuracy,seconds\n1,0.5,inf,0.2,0.25\n2,0.4,0.3,0.5,0.25\n"
BROKEN_JSON = {
    "a list": "[1]",
    "null": "null",
    "deep": DEEP,
    "no JSON": "{",
    "no text": "\xff\x00",
    "nothing": "",
    "a number of 5,000 digits": '{"seed": ' + "1" * 5000 + "}",
}


def other(fields, *keys, value):
    """A copy of nested dicts with another value at `keys`."""
    copy = json.loads(json.dumps(fields))
    place = copy
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return json.dumps(copy)


RECIPE = json.loads(json.dumps(training.Recipe().__dict__, default=lambda x: x.__dict__))
CHANGES = {
    "recipe.json": {
        "no augmentation": json.dumps({"epochs": 3}),
        **{
            f"{name}={value!r}": other(RECIPE, name, value=value)
            for name, value in {
                "unknown": 1,
                "epochs": "3",
                "batch_size": 64.5,
                "changes": [1],
                "model": 3,
                "dataset": ["digits"],
                "augmentation": None,
                "learning_rate": "x",
                "image_size": {"a": 1},
                "start_from": 3,
                "precision": [],
                "seed": 10**30,
            }.items()
        },
        "augmentation.unknown": other(RECIPE, "augmentation", "unknown", value=1),
        "augmentation.flip": other(RECIPE, "augmentation", "crop_padding", value="x"),
    },
    "report.json": {
        f"{name}={value!r}": other(REPORT, name, value=value)
        for name, value in {
            "test_accuracy": math.nan,
            "test_samples": -1,
            "training_seconds": 0,
            "samples_per_second": "fast",
            "last_validation_accuracy": 7,
            "backend": None,
        }.items()
    }
    | {"empty": "{}"},
    "data.json": {
        "empty": "{}",
        "classes": other(DATA, "classes", value=[1]),
        "parts": other(DATA, "parts", value=[]),
        "no test part": other(DATA, "parts", value={"train": PARTS["train"]}),
        "samples": other(DATA, "parts", "train", "samples", value="9"),
        "sha256": other(DATA, "parts", "test", "sha256", value=None),
    },
}
BROKEN = [
    (file, text) for file, changes in CHANGES.items() for text in (BROKEN_JSON | changes).values()
] + [
    ("history.csv", text)
    for text in (
        "",
        "epoch,loss,seconds\n",
        HISTORY.replace("2,0.4", "x,0.4"),
        HISTORY.replace("2,0.4", "3,0.4"),
        HISTORY.replace("0.5,0.25", "nan,0.25"),
        HISTORY.replace("0.5,0.25", "1.5,0.25"),
        HISTORY.replace("0.5,0.25", "0.5,-1"),
        HISTORY.replace("0.5,0.25", "0.5"),
        HISTORY.replace("0.5,0.25", "0.5,0.25,7"),
        HISTORY.replace("seconds", "time"),
        '"' + "x" * 200_000,
    )
]


def write_run(folder):
    folder.mkdir()
    training.Recipe().save(folder / "recipe.json")
    texts = {"report.json": REPORT, "data.json": DATA}
    for name, fields in texts.items():
        (folder / name).write_text(json.dumps(fields))
    (folder / "history.csv").write_text(HISTORY)


@pytest.mark.filterwarnings("ignore:.*augmentation")
def test_broken_files_of_a_run(tmp_path):
    write_run(tmp_path / "sound")
    run = training.open_run(tmp_path / "sound")
    assert run.fingerprint == DATA
    assert run.figures == REPORT
    assert len(run.history) == 2
    for number, (name, text) in enumerate(BROKEN):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "sound", folder)
        (folder / name).write_text(text, encoding="latin-1")
        start = time.process_time()
        with pytest.raises(ValueError, match=rf"Received: path='.*{number}/{name}': .") as raised:
            assert training.open_run(folder).fingerprint
        assert "\n" not in str(raised.value), (name, text[:99])
        assert len(str(raised.value)) < 1000, (name, text[:99])
        assert time.process_time() - start < 1, (name, text[:99])


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture(scope="module")
def optimizer(model):
    optimizer = keras.optimizers.SGD(momentum=0.9)
    optimizer.build(model.trainable_variables)
    return optimizer


ROWS = [{"epoch": 1, "loss": math.inf, "accuracy": 0.5, "seconds": 0.25}]
STATE = {"history": ROWS, "best": 0.5, "backend": "torch"}
STATES = (
    *("[]", "{}", DEEP, "{", json.dumps(STATE) + " " * 2**24),
    *(
        other(STATE, name, value=value)
        for name, values in {
            "history": ([], {}, [1], [{}], [ROWS[0] | {"epoch": 2}], ROWS * 2, "x"),
            "best": ("x", math.nan, 2, True),
            "backend": (None, 3),
        }.items()
        for value in values
    ),
    other(STATE, "history", 0, "seconds", value=None),
    other(STATE, "history", 0, "accuracy", value=-1),
    other(STATE, "history", 0, "loss", value=[1]),
)


def test_broken_checkpoints(model, optimizer, tmp_path):
    """Nothing is restored from a broken checkpoint, and shapes are compared before reading."""
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, model, optimizer, ROWS, 0.5)
    assert checkpoint.load(path, model, optimizer) == (ROWS, 0.5)
    with np.load(path) as file:
        arrays = dict(file)
    before = model.get_weights()
    kernel = arrays["model0000"]
    wrong = [{"state": np.array(text)} for text in STATES]
    wrong += [{"state": value} for value in (np.array(1), np.array([json.dumps(STATE)]), None)]
    wrong += [{"state": np.array([{}], object)}, {"model0000": None}]
    wrong += [{"model0000": kernel.astype(kind)} for kind in ("U9", "complex64", object)]
    wrong += [{"model0000": kernel[None]}, {"more": np.zeros(2**23, "uint8")}]
    for changes in wrong:
        found = {key: value for key, value in (arrays | changes).items() if value is not None}
        found["model0001"] = np.zeros_like(arrays["model0001"])  # would be restored
        np.savez(path, **found)
        start = time.process_time()
        with pytest.raises(ValueError, match=r"Received: .*checkpoint") as raised:
            checkpoint.load(path, model, optimizer)
        assert time.process_time() - start < 1, raised.value
        assert len(str(raised.value)) < 1000
    for mine, value in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, value)
