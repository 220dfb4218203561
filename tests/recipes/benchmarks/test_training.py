"""The training benchmark: plain PyTorch is the same model, and the script runs to its end."""

import json
import runpy
from pathlib import Path

import keras
import numpy as np
import pytest

from cctzoo import models
from cctzoo.weights import state_dict_keys

torch = pytest.importorskip("torch")
BENCHMARKS = Path(__file__).parents[3] / "recipes" / "benchmarks"
once = pytest.mark.one_backend("torch")  # which plain PyTorch needs as well


@once
@pytest.mark.parametrize(
    ("name", "heads"),
    [("cct_2_3x2_32", 4), ("cct_2_3x2_32", 64), ("cct_7_3x1_32", 4), ("cct_7_7x2_224", 2)],
)
def test_plain_pytorch_is_the_same_model(name, heads):
    plain_cct = runpy.run_path(str(BENCHMARKS / "competitors" / "plain_cct.py"))
    options = {"include_preprocessing": False, "classifier_activation": None}
    shape = (32, 32, 3) if name.endswith("_32") else (64, 48, 3)
    model = models.create_model(name, heads=heads, input_shape=shape, **options)
    plain = plain_cct["PlainCCT"](model.config).eval()
    assert sum(p.numel() for p in plain.parameters()) == model.count_params()
    state, generator = {}, np.random.default_rng(0)
    for key, (variable, order) in state_dict_keys(model).items():
        # Zero biases and unit norms would hide a missing term.
        array = keras.ops.convert_to_numpy(variable.value)
        array = array + 0.1 * generator.standard_normal(array.shape).astype("float32")
        variable.assign(array)
        state[key] = torch.tensor(array.transpose(np.argsort(order)) if order else array)
    plain.load_state_dict(state)  # strict: every key
    images = generator.standard_normal((2, *shape)).astype("float32")
    with torch.no_grad():
        expected = plain(torch.tensor(images).permute(0, 3, 1, 2)).numpy()
    found = keras.ops.convert_to_numpy(model(images, training=False))
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-4)


@once
@pytest.mark.parametrize("changes", [{}, {"conv_prefix": 4}])  # the second: a residual connection
def test_plain_prefix_is_the_same(changes):
    plain_cct = runpy.run_path(str(BENCHMARKS / "competitors" / "plain_cct.py"))
    model = models.create_model("cct_conv", heads=4, classifier_activation=None, **changes)
    plain = plain_cct["PlainCCT"](model.config)
    assert sum(p.numel() for p in plain.parameters()) == sum(
        int(np.prod(variable.shape)) for variable in model.trainable_variables
    )
    prefix, generator = model.get_layer("prefix"), np.random.default_rng(0)
    prefix.set_weights([generator.uniform(0.1, 0.3, w.shape) for w in prefix.get_weights()])
    for block, (convolution, norm, _) in zip(prefix.blocks, plain.prefix.blocks, strict=True):
        kernel, gamma, beta, mean, variance = map(torch.tensor, block.get_weights())
        convolution.load_state_dict({"weight": kernel.permute(3, 2, 0, 1)})
        state = {"weight": gamma, "bias": beta, "running_mean": mean, "running_var": variance}
        norm.load_state_dict(state, strict=False)
    maps = generator.standard_normal((2, 16, 16, 64)).astype("float32")
    with torch.no_grad():
        expected = plain.eval().prefix(torch.tensor(maps).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    found = keras.ops.convert_to_numpy(prefix(maps, training=False))
    assert np.ptp(found) > 0.1
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-4)


@once
def test_small_run_with_a_failing_competitor(run, tmp_path, monkeypatch):
    """Without a C++ compiler, `torch.compile` fails; the others are reported."""
    path = tmp_path / "figures.json"
    arguments = "--models cct_2_3x2_32 --heads 4 --batch 4 --steps 2 --rounds 2 --threads 1"
    arguments += f" --backends compile torch --precision mixed_bfloat16 --json {path}"
    monkeypatch.setenv("CXX", "/no/compiler")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    done = run("benchmarks/training.py", *arguments.split())
    figures = json.loads(path.read_text())
    assert figures["versions"].keys() == {"keras", "torch"}
    plain, compiled, ours = figures["results"]
    assert plain["ratio"] == 1
    for row in (plain, ours):
        assert [len(each["seconds"]) for each in row["rounds"]] == [2, 2]
        assert row["memory_bytes"] > 0
    speeds = [[each["images_per_second"] for each in row["rounds"]] for row in (ours, plain)]
    assert ours["ratio"] == pytest.approx(np.median(np.divide(*speeds)))
    assert compiled["error"].startswith("ended with code 1: ")
    assert compiled["error"] in done.stdout


@pytest.mark.one_backend("jax")  # nothing is trained
@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        (["--models", "cct_2"], "variant='cct_2'"),
        (["--models", "vit_2_4_32"], "vit_2_4_32"),
        (["--models", "cct_polynomial"], "cct_polynomial"),
        (["--heads", "5"], "heads=5"),
        (["--batch", "8", "8"], "[8, 8]"),
        (["--steps", "0"], "--steps must be at least 1. Received: 0"),
        (["--threads", "9999"], "9999"),
        (["--json", "none/figures.json"], "none/figures.json"),
    ],
)
def test_invalid_arguments_print_one_line(arguments, received, run):
    done = run("benchmarks/training.py", *arguments, status=2)
    assert received in done.stderr.splitlines()[-1]
