"""Full integer quantisation: operators, input and output; and the ranges of activations."""

import json
import zipfile

import numpy as np

from cctzoo.export.calibration import QUANTILE, activation_ranges
from cctzoo.runtimes import LiteRTRunner
from tests.export.sample import once
from tests.fuzz.scripts import load_script

pytestmark = once


def test_every_operator_is_of_integers(litert):
    report = litert("full_int8")
    run = LiteRTRunner(report.path, delegate=False)
    assert run.float_operators() == []
    assert run.input["dtype"] == run.output["dtype"] == np.int8
    assert run.input["quantization"] == (1, -128)  # pixel - 128
    plain = LiteRTRunner(litert("float32").path, delegate=False)
    assert {"CONV_2D", "SOFTMAX", "GELU"} <= set(plain.float_operators())
    assert report.bytes < 0.4 * litert("float32").bytes
    assert report.top1_agreement >= 0.9


def test_samples_and_outputs_are_floats(model, images, litert):
    """`LiteRTRunner` and the script for devices store the input and read the output alike."""
    path = litert("full_int8").path
    run = LiteRTRunner(path)
    assert run.dtype == np.float32
    got, expected = run(images), model.predict(images, verbose=0)
    assert got.dtype == np.float32
    scale, _ = run.output["quantization"]
    assert 10 * scale < np.abs(expected).max()
    assert np.abs(got - expected).mean() < 0.05 * np.abs(expected).max()
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("metadata.json"))["output"] == "logits"
    script = load_script("classify_tflite")
    graph = script.ImageModel(path, 1, resize=True).graph
    odds = np.exp(got[:2] - got[:2].max(-1, keepdims=True))
    for image, expected_odds in zip(images[:2], odds, strict=True):
        np.testing.assert_allclose(graph(image), expected_odds / expected_odds.sum(), atol=1e-6)


def test_ranges_leave_out_the_rarest_extremes(images, litert):
    """A range ends where 99 % of the batches end; that of the input is given."""
    from ai_edge_quantizer import quantizer, recipe

    path = litert("float32").path
    work = quantizer.Quantizer(str(path), recipe.static_wi8_ai8())
    chosen = work.get_quantization_recipe()
    batches = [images[i : i + 2].astype("float32") for i in range(0, 20, 2)]
    ranges = activation_ranges(path, chosen, batches)
    run = LiteRTRunner(path)
    outputs = [run(batch) for batch in batches]
    found = ranges[run.output["name"]]
    ends = [(output.min(), output.max()) for output in outputs]
    low, high = np.array(ends).T
    np.testing.assert_allclose(np.ravel(found["min"]), np.quantile(low, 1 - QUANTILE), rtol=1e-4)
    np.testing.assert_allclose(np.ravel(found["max"]), np.quantile(high, QUANTILE), rtol=1e-4)
    given = activation_ranges(path, chosen, batches[:1], (-3, 300))[run.input["name"]]
    assert (given["min"], given["max"]) == (-3, 300)
