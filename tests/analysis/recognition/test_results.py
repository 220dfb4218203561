"""Averages and SNR by hand; results that are saved and loaded."""

import json

import numpy as np
import pytest

from cctzoo.analysis import BlockPerformance, Performance, single_head_performance
from cctzoo.analysis.recognition.probe import Probe
from tests.analysis.trained import labelled, scattered_model

pytestmark = pytest.mark.one_backend("torch")  # only NumPy


def test_signal_to_noise_by_hand():
    fields = np.array([[[2.0, 0.4], [0.2, 0.1]], [[0.3, -0.3], [0.6, 1.0]], [[-1.0, -1], [-1, -1]]])
    block = BlockPerformance(0, None, fields, np.zeros((3, 2)), 1.0, 1.0, 0.3, None)
    # Label 0: unit 0, 1 / rms(0.2, 0.1). Label 1: unit 1, 1 / rms(-0.3, 0.6).
    expected = np.mean([1 / np.sqrt(0.025), 1 / np.sqrt(0.225)])
    assert block.signal_to_noise == pytest.approx(expected)
    assert block.units_per_label.tolist() == [1, 1]
    figures = block.figures()
    assert figures["flagged_units"] == [2]
    assert figures["averages"]["units"] == 2, "averages leave out flagged units"
    assert figures["averages"]["noise"] == 0.5


def test_averages_with_and_without_empty_units():
    empty = [[0.0, 1.0], [0, 0]]
    fields = np.array([np.eye(2), np.ones((2, 2)), empty])
    block = BlockPerformance(0, None, fields, np.zeros((3, 2)), 1.0, 1.0, 0.3, None)
    expected = {
        "units": 3,
        "clusters": 1,
        "unit_clusters": 2 / 3,
        "cluster_size": 4 / 3,
        "labels": 4 / 3,
        "noise": 1 / 3,
        "internal_noise": 0,
    }
    assert block.averages() == pytest.approx(expected)
    with_clusters = block.averages(with_empty=False)
    assert with_clusters["clusters"] == 1.5
    assert with_clusters["noise"] == 0
    assert with_clusters["cluster_size"] == pytest.approx(4 / 3)


def test_save_and_load(tmp_path):
    model = scattered_model()
    heads = single_head_performance(model, labelled(model, 40), labelled(model, 25, seed=1))
    heads.save(tmp_path / "heads.npz")
    loaded = Performance.load(tmp_path / "heads.npz")
    assert loaded.figures() == heads.figures()
    for mine, other in zip(heads.blocks, loaded.blocks, strict=True):
        np.testing.assert_array_equal(mine.fields, other.fields)
        np.testing.assert_array_equal(mine.probe.score, other.probe.score)
    again = loaded.with_threshold(0.9, 2)
    assert again.options["threshold"] == 0.9
    assert sum(again[0].labels_per_unit) <= sum(heads[0].labels_per_unit)

    heads.save(tmp_path / "heads.json")
    text = (tmp_path / "heads.json").read_text()
    assert json.loads(text) == json.loads(json.dumps(heads.figures()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["heads.json", "heads.npz"]
    with pytest.raises(ValueError, match=r"Received: path='.*\.txt'"):
        heads.save(tmp_path / "heads.txt")
    np.savez(tmp_path / "other.npz", head=np.array([{}], object))
    with pytest.raises(ValueError, match=r"Received: path='.*other\.npz'"):
        Performance.load(tmp_path / "other.npz")


def test_broken_files(tmp_path):
    """Shapes are compared before an array is read."""
    path = tmp_path / "heads.npz"
    probe = Probe(np.ones((4, 3)), np.zeros(3), np.ones(4))
    fields = np.random.default_rng(0).random((2, 3, 3))
    block = BlockPerformance(7, probe, fields, np.zeros((2, 3)), 0.5, 0.5, 0.3, None)
    Performance("head", (block,), {"threshold": 0.3}).save(path)
    assert Performance.load(path)[7].fields.shape == (2, 3, 3)
    with np.load(path) as file:
        arrays = dict(file)
    head = json.loads(str(arrays["head"]))
    heads = [{name: head[name] for name in head if name != each} for each in head]
    heads += [head | {name: value} for name in head for value in (3, [1])]
    heads += [head | {"blocks": [head["blocks"][0] | {name: "x"}]} for name in head["blocks"][0]]
    heads += [head | {"options": {"threshold": "x"}}, [], {}, 3]
    wrong = [{"head": np.array(json.dumps(each))} for each in heads]
    wrong += [{"head": np.array(text)} for text in ("", "{", "[" * 10**5)]
    wrong += [{name: None} for name in ("head", "07/fields", "07/kernel", "07/bias")]
    for name in ("fields", "evidence", "kernel", "bias", "score"):
        array = arrays[f"07/{name}"]
        odd = (array[..., None], array.astype("U9"), array.astype(object), array * np.nan)
        wrong += [{f"07/{name}": each} for each in odd]
    wrong.append({"07/fields": np.zeros((2, 3, 4))})
    for changes in wrong:
        kept = {name: each for name, each in (arrays | changes).items() if each is not None}
        np.savez(path, **kept)
        with pytest.raises(ValueError, match=r"Received: path='.*heads\.npz': ."):
            Performance.load(path)
    for data in (b"", b"PK", b"text"):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"Received: path='.*heads\.npz': ."):
            Performance.load(path)
