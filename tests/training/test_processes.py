"""Several processes that train one model together, as a launcher starts them."""

import json
import os
import signal
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from cctzoo import data, training
from cctzoo.analysis.report import report
from cctzoo.commands import analyse, evaluate, export, latency, predict, prune, serve
from cctzoo.data.encoded_images import FileSource
from cctzoo.training import processes
from cctzoo.training.processes import ALONE, Processes, check_alone
from tests.training.few import few_digits, history_of
from tests.training.shared_work import results, text_model

BACKEND = keras.backend.backend()
EVERYTHING = data.Augmentation(crop_padding=2, flip=True, mixup=0.8, erasing=0.25)
TRAIN = """
import os, signal, sys
import keras
import numpy as np
from cctzoo import training

recipe, directory, killed = sys.argv[1:]
rank = int(os.environ["RANK"])

steps = []

def kill(batch, logs=None):
    steps.append(batch)
    if (rank, len(steps)) == (1, 7):  # in the second epoch of 5 steps
        os.kill(os.getpid(), signal.SIGKILL)

callbacks = [keras.callbacks.LambdaCallback(on_train_batch_end=kill)] if killed == "yes" else []
if os.path.exists(os.path.join(directory, "checkpoint.npz")):
    run = training.resume(directory)
else:
    run = training.train(training.Recipe.load(recipe), directory, callbacks=callbacks)
print("figures", rank, run.figures["test_accuracy"], len(run.history))
"""
SHARE = """
from cctzoo.analysis.report import report
from cctzoo.commands import analyse, evaluate
from tests.training.shared_work import results, text_model

shared = results(*text_model(), training.join_processes())
np.savez(os.path.join(directory, f"texts{rank}.npz"), **shared)
report.draw_pictures = lambda *_: None  # they take seconds
sys.argv = ["cctzoo evaluate", directory, "--json"]
evaluate.main()
sys.argv = ["cctzoo analyse", directory, "--ablation-samples", "21"]
analyse.main()
"""


def recipe():
    """All that random numbers or statistics of a batch decide: dropout, prefix, augmentation."""
    changes = few_digits().changes | {"conv_prefix": 1, "depth": 2, "attention_dropout": 0.0}
    changes |= {"dropout": 0.2, "stochastic_depth": 0.2}
    return few_digits(
        changes=changes,
        augmentation=EVERYTHING,
        class_weights="balanced",
        learning_rate=1e-2,
        validation=0.15,
        train_samples=105,
        test_samples=51,
    )


def launch(tmp_path, directory, killed="no", then=""):
    """Starts two processes with the variables of torchrun; returns what they did."""
    path = tmp_path / "recipe.json"
    recipe().save(path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    command = [sys.executable, "-c", TRAIN + then, str(path), str(directory), killed]
    started = [
        subprocess.Popen(
            command,
            env={**os.environ, **place, "RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    if killed == "yes":  # a launcher ends the other processes
        assert started[1].wait(300) == -signal.SIGKILL
        started[0].kill()
    done = [each.communicate(timeout=300) for each in started]
    return [(each.returncode, *texts) for each, texts in zip(started, done, strict=True)]


def weights_of(directory):
    with np.load(directory / "checkpoint.npz", allow_pickle=False) as found:
        return {key: found[key] for key in found.files if key != "state"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The run of one process, the folder of two processes, and what these have done."""
    folder = tmp_path_factory.mktemp("runs")
    one = training.train(recipe(), folder / "1")
    launch(folder, folder / "2", killed="yes")
    assert len(history_of(folder / "2")) == 1
    return one, folder / "2", launch(folder, folder / "2", then=SHARE)


@pytest.mark.one_backend("torch")
def test_two_processes_of_which_one_is_killed_give_the_results_of_one(runs):
    one, directory, done = runs
    for rank, (code, output, errors) in enumerate(done):
        assert code == 0, errors[-3000:]
        assert f"figures {rank} {one.figures['test_accuracy']} 2" in output
        assert ("to validate" in output) == (rank == 0)  # only one process shows its plan
    for a, b in zip(one.history, history_of(directory), strict=True):
        for name in ("loss", "val_loss", "learning_rate"):
            assert a[name] == pytest.approx(b[name], abs=1e-5), name
        assert a["accuracy"] == pytest.approx(b["accuracy"])
    first, second = weights_of(one.directory), weights_of(directory)
    assert first.keys() == second.keys()
    for key, value in first.items():
        # Adam divides by the root of tiny moments: a rounding error moves a weight by the rate.
        assert np.mean(np.abs(value - second[key]) > 1e-4) < 0.01, key


@pytest.mark.one_backend("torch")
def test_two_processes_evaluate_and_analyse_as_one(runs, tmp_path, monkeypatch, capsys):
    _, directory, ((_, output, _), (_, others, _)) = runs
    expected = results(*text_model())
    for rank in range(2):
        with np.load(directory / f"texts{rank}.npz", allow_pickle=False) as found:
            for name, value in expected.items():
                np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
    assert others.splitlines()[-1].startswith("figures 1 ")  # the first process prints
    monkeypatch.setattr(sys, "argv", ["cctzoo evaluate", str(directory), "--json"])
    evaluate.main()
    figures = json.loads(capsys.readouterr().out)
    shared = json.loads(output[output.index("{\n") : output.rindex("}\n") + 1])
    for name in ("accuracy", "samples", "mean_class_accuracy"):
        assert shared[name] == figures[name]
    assert shared["loss"] == pytest.approx(figures["loss"])
    words = ["cctzoo analyse", str(directory), "--ablation-samples", "21", "--to", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr(report, "draw_pictures", lambda *_: None)
    analyse.main()
    assert "analysis: importance of the heads by gradient and by ablation" in output
    one, two = (
        keras.tree.flatten(json.loads((folder / "figures.json").read_text()))
        for folder in (tmp_path, directory / "heads")
    )
    assert len(one) == len(two)
    for a, b in zip(one, two, strict=True):
        assert b == (pytest.approx(a, rel=1e-4, abs=1e-6) if isinstance(a, float) else a)


def test_one_process_is_alone(monkeypatch):
    assert ALONE.first
    assert ALONE.part(7) == slice(0, 7)
    np.testing.assert_array_equal(ALONE.join(np.arange(7), 7), np.arange(7))
    assert ALONE.from_first("runs/a") == "runs/a"
    assert ALONE.mean({"loss": 2.0}) == {"loss": 2.0}
    with ALONE.first_goes_ahead():
        pass


@pytest.mark.parametrize("samples", [0, 1, 6, 7, 8])
def test_parts_hold_every_sample_once(samples):
    parts = [Processes(3, rank).part(samples) for rank in range(3)]
    assert [i for part in parts for i in range(samples)[part]] == list(range(samples))
    sizes = [len(range(samples)[part]) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.one_backend("torch")
@pytest.mark.parametrize(
    ("count", "rank", "received"),
    [
        ("two", "0", "WORLD_SIZE='two', RANK='0'"),
        ("2", "", "WORLD_SIZE='2', RANK=''"),
        ("2", "2", "WORLD_SIZE='2', RANK='2'"),
        ("-2", "0", "WORLD_SIZE='-2'"),
    ],
)
def test_variables_of_no_launcher(monkeypatch, count, rank, received):
    monkeypatch.setenv("WORLD_SIZE", count)
    monkeypatch.setenv("RANK", rank)
    processes.join_processes.cache_clear()
    with pytest.raises(ValueError, match=f"Received: {received}"):
        processes.join_processes()


@pytest.mark.one_backend("tensorflow")
@pytest.mark.parametrize("workers", [1, 2])
def test_tensorflow_trains_in_one_process(monkeypatch, workers):
    addresses = [f"machine{i}:1" for i in range(workers)]
    config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    processes.join_processes.cache_clear()
    if workers == 1:
        assert processes.join_processes() == ALONE
    else:
        with pytest.raises(ValueError, match=r"a single process trains.*machine1:1"):
            processes.join_processes()
    processes.join_processes.cache_clear()


@pytest.mark.one_backend("torch")
def test_a_launcher_of_one_process(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv("RANK", "0")
    processes.join_processes.cache_clear()
    assert processes.join_processes() == ALONE
    processes.join_processes.cache_clear()


def test_programs_for_one_process(monkeypatch):
    check_alone("Pruning")
    monkeypatch.setattr(processes, "launched_processes", lambda: Processes(2, 1))
    with pytest.raises(ValueError, match=r"Pruning runs in a single.*Received: processes=2"):
        check_alone("Pruning")


@pytest.mark.one_backend("torch")
@pytest.mark.parametrize(
    ("command", "words"),
    [
        (export, "cct_conv"),
        (latency, "cct_conv"),
        (predict, "cct_conv a.png"),
        (prune, "cct_conv --keep 1"),
        (serve, "cct_conv"),
    ],
)
def test_commands_for_one_process(monkeypatch, capsys, tmp_path, command, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(processes, "launched_processes", lambda: Processes(2, 0))
    monkeypatch.setattr(sys, "argv", ["cctzoo", *words.split()])
    with pytest.raises(SystemExit):
        command.main()
    assert "runs in a single process" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("kind", ["images", "files", "texts"])
def test_parts_of_batches_make_the_batch(kind, tmp_path):
    options = {"batch_size": 8, "seed": 3, "epoch": 1, "class_weights": np.array([1.0, 2, 3])}
    y = np.arange(20) % 3
    rng = np.random.default_rng(0)
    if kind == "texts":
        make = data.TextBatches
        x = rng.integers(0, 9, (20, 5), "int32")
    else:
        make = data.ImageBatches
        options["augmentation"] = data.Augmentation(crop_scale=(0.3, 1.0), flip=True, mixup=0.5)
        x = rng.integers(0, 256, (20, 12, 10, 3), "uint8")
        if kind == "files":
            x = encoded(x, tmp_path)
    whole = make(x, y, 3, **options)
    parts = [make(x, y, 3, part=(index, 2), **options) for index in range(2)]
    for step in range(2):
        found = [keras.tree.flatten(part[step]) for part in parts]
        for expected, *halves in zip(keras.tree.flatten(whole[step]), *found, strict=True):
            np.testing.assert_array_equal(expected, np.concatenate(halves))


def encoded(images, folder):
    """The images in files of different sizes."""
    paths = []
    for i, pixels in enumerate(images):
        paths.append(folder / f"{i}.png")
        Image.fromarray(pixels[: 12 - i % 3]).save(paths[-1])
    return data.EncodedImages(FileSource(paths), (12, 10))


@pytest.mark.parametrize(
    ("part", "received"),
    [((2, 2), r"part=\(2, 2\)"), ((-1, 2), r"part=\(-1, 2\)"), ((0, 3), "batch_size=8, parts=3")],
)
def test_parts_that_no_batch_has(part, received):
    x, y = np.zeros((20, 4, 4, 1), "uint8"), np.zeros(20, "int64")
    with pytest.raises(ValueError, match=received):
        data.ImageBatches(x, y, 3, batch_size=8, part=part)
