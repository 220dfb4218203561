"""Training against plain PyTorch: the peer is a fair one, and the script runs to its end."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from cctzoo import models
from cctzoo.weights import state_dict_keys

torch = pytest.importorskip("torch")
RECIPES = Path(__file__).parents[2] / "recipes"
once = pytest.mark.one_backend("torch")  # which plain PyTorch needs, too


def benchmark(*arguments, **environment):
    command = [sys.executable, str(RECIPES / "benchmarks/training.py"), *map(str, arguments)]
    environment = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)


@once
@pytest.mark.parametrize(
    ("name", "heads"),
    [("cct_2_3x2_32", 4), ("cct_2_3x2_32", 64), ("cct_7_3x1_32", 4), ("cct_7_7x2_224", 2)],
)
def test_peer_is_the_same_model(name, heads):
    spec = importlib.util.spec_from_file_location("plain_cct", RECIPES / "benchmarks/plain_cct.py")
    plain_cct = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plain_cct)
    options = {"include_preprocessing": False, "classifier_activation": None}
    shape = (32, 32, 3) if name.endswith("_32") else (64, 48, 3)
    ours = models.create_model(name, heads=heads, input_shape=shape, **options)
    plain = plain_cct.PlainCCT(ours.config).eval()
    assert sum(p.numel() for p in plain.parameters()) == ours.count_params()
    state, generator = {}, np.random.default_rng(0)
    for key, (variable, order) in state_dict_keys(ours).items():
        # No zero biases and unit norms, which would hide a missing term.
        array = keras.ops.convert_to_numpy(variable.value)
        array = array + 0.1 * generator.standard_normal(array.shape).astype("float32")
        variable.assign(array)
        state[key] = torch.tensor(array.transpose(np.argsort(order)) if order else array)
    plain.load_state_dict(state)  # strict: every key
    images = generator.standard_normal((2, *shape)).astype("float32")
    with torch.no_grad():
        expected = plain(torch.tensor(images).permute(0, 3, 1, 2)).numpy()
    found = keras.ops.convert_to_numpy(ours(images, training=False))
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-4)


@once
def test_small_run(tmp_path):
    path = tmp_path / "figures.json"
    done = benchmark(
        "--models", "cct_2_3x2_32", "--heads", 4, "--batch", 4, "--steps", 2, "--rounds", 2,
        "--threads", 1, "--backends", "tensorflow", "--precision", "mixed_bfloat16",
        "--json", path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ours, tensorflow" in done.stdout
    figures = json.loads(path.read_text())
    assert figures["versions"].keys() == {"keras", "torch", "tensorflow"}
    plain, ours = figures["results"]
    assert plain["ratio"] == 1
    for row in (plain, ours):
        assert [len(each["seconds"]) for each in row["rounds"]] == [2, 2]
        assert row["memory_bytes"] > 0
    speeds = [[each["images_per_second"] for each in row["rounds"]] for row in (ours, plain)]
    assert ours["ratio"] == pytest.approx(np.median(np.divide(*speeds)))


@once
def test_a_competitor_that_dies_is_reported_beside_the_others(tmp_path):
    done = benchmark(
        "--models", "cct_2_3x2_32", "--heads", 4, "--batch", 2, "--steps", 1, "--rounds", 1,
        "--backends", "compile", "jax", "--json", tmp_path / "figures.json",
        CXX="/no/compiler", TORCHINDUCTOR_CACHE_DIR=str(tmp_path / "cache"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "failed" in done.stdout
    plain, compiled, ours = json.loads((tmp_path / "figures.json").read_text())["results"]
    assert plain["images_per_second"] > 0
    assert ours["ratio"] > 0
    assert compiled["error"] in done.stdout
    assert compiled["error"].startswith("ended with code 1: ")


@pytest.mark.one_backend("jax")  # nothing is trained
@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        (["--models", "cct_2"], "variant='cct_2'"),
        (["--models", "vit_2_4_32"], "vit_2_4_32"),
        (["--models", "cct_conv"], "cct_conv"),
        (["--heads", "5"], "heads=5"),
        (["--batch", "8", "0"], "[8, 0]"),
        (["--batch", "8", "8", "8"], "[8, 8, 8]"),
        (["--steps", "0"], "--steps must be at least 1. Received: 0"),
        (["--threads", "9999"], "9999"),
        (["--backends", "numpy"], "'numpy'"),
        (["--precision", "float8"], "'float8'"),
        (["--json", "none/figures.json"], "none/figures.json"),
    ],
)
def test_wrong_arguments_end_with_one_line(arguments, received, run):
    done = run("benchmarks/training.py", *arguments, status=2)
    assert received in done.stderr.splitlines()[-1]
