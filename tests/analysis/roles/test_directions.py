"""Class directions: planted outputs of a head, and the path from a head to the logits in loops."""

import numpy as np
import pytest

from cctzoo.analysis import ClassDirections, class_directions
from cctzoo.analysis.roles.directions import class_atoms, pursue
from cctzoo.models import feature_extractor
from tests.analysis.report.test_plots import performance
from tests.analysis.trained import labelled, scattered_model
from tests.models.small import CLASSES, small_model

pytestmark = pytest.mark.one_backend("torch")  # only NumPy, except for the features


def test_a_planted_combination_is_found_in_two_steps():
    rng = np.random.default_rng(0)
    atoms = rng.standard_normal((7, 13)) * rng.uniform(0.1, 9, (7, 1))
    strengths = np.array([[0, 3], [1, -2], [0.5, 1], [-2, 0], [1, 1], [2, -3], [-1, 0.5]])
    outputs = strengths @ (atoms[[4, 1]] / np.linalg.norm(atoms[[4, 1]], axis=1, keepdims=True))
    labels, explained, gains = pursue(outputs + 5, atoms, 3)  # the mean does not count
    assert sorted(labels[:2]) == [1, 4]
    assert labels[2] == -1
    assert explained[1] == pytest.approx(1, abs=1e-5)
    assert 0 < explained[0] < 0.99
    assert gains[2] == 0


def test_one_class_that_is_raised_for_its_own_samples():
    atoms = np.eye(5)
    outputs = np.zeros((5, 5))
    outputs[2, 2] = 4
    labels, explained, gains = pursue(outputs, atoms, 2)
    assert labels.tolist() == [2, -1]
    assert explained.tolist() == pytest.approx([1, 1])
    assert gains.tolist() == [1, 0]
    assert pursue(-outputs, atoms, 1)[2].tolist() == [-1]
    assert pursue(np.ones((5, 5)), atoms, 2)[0].tolist() == [-1, -1], "nothing to explain"


@pytest.mark.parametrize("norm", ["cct", "pre"])
def test_directions_equal_loops(norm):
    model = scattered_model(0.5, norm=norm)
    x, y = labelled(model, 15)
    kernel = model.get_layer("classifier").get_weights()[0]
    extractor = feature_extractor(model, ["heads00", "heads01", "pooling_weights"])
    features = extractor.predict(x, verbose=0)
    found = class_directions(model, x, y, batch_size=4)
    for block in (0, 1):
        scales = [model.get_layer("norm").get_weights()[0]]
        if norm == "cct":
            later = [model.get_layer(f"block{i:02d}").mlp_norm for i in range(1, block - 1, -1)]
            scales += [each.get_weights()[0] for each in later]
        projection = model.get_layer(f"block{block:02d}").attention.projection.get_weights()[0]
        expected = np.zeros((3, CLASSES, 8))
        for label in range(CLASSES):
            row = kernel[:, label] - kernel.mean(axis=1)
            for scale in scales:
                row = row * scale
                row = row - row.mean()
            for head in range(3):
                for channel in range(8):
                    expected[head, label, channel] = projection[8 * head + channel] @ row
        atoms = class_atoms(model, block)
        np.testing.assert_allclose(atoms, expected, rtol=1e-4, atol=1e-5)

        weights = features["pooling_weights"].reshape(15, -1)
        pooled = np.einsum("bt,btnh->bnh", weights, features[f"heads{block:02d}"])
        means = np.stack([pooled[y == label].mean(axis=0) for label in range(CLASSES)], axis=1)
        means -= means.mean(axis=1, keepdims=True)
        for head in range(3):
            labels, explained, gains = pursue(means[head].astype("float64"), atoms[head], 3)
            assert found.labels[block][head].tolist() == labels.tolist()
            np.testing.assert_allclose(found.explained[block][head], explained, atol=1e-4)
            np.testing.assert_allclose(found.gains[block][head], gains, atol=1e-3)
            raised = [means[head, label] @ atoms[head, label] for label in range(CLASSES)]
            assert found.raised[block][head] == np.argmax(raised)


def test_narrow_heads_are_explained_by_as_many_directions():
    model = scattered_model(0.5, heads=4, head_dim=2)
    found = class_directions(model, *labelled(model, 20))
    for block in (0, 1):
        np.testing.assert_allclose(found.explained[block][:, 1:], 1, atol=1e-4)
        assert (found.labels[block][:, 2] == -1).all()


def test_agreement():
    heads = performance()  # head 0 knows 0 and 2, head 1 knows 1; two blocks
    labels = {0: np.array([[2, 1], [0, 1]]), 1: np.array([[1, 0], [-1, -1]])}
    nothing = {block: np.zeros((2, 2)) for block in labels}
    raised = {0: np.array([0, 1]), 1: np.array([2, 1])}
    found = ClassDirections(labels, nothing, nothing, raised).agreement(heads)
    assert found[0] == {"heads": 2, "first": 0.5, "raised": 1, "chance": pytest.approx(0.5)}
    assert found[1] == {"heads": 1, "first": 0, "raised": 1, "chance": pytest.approx(2 / 3)}


def test_wrong_arguments():
    model = small_model()
    x, y = labelled(model, 10)
    with pytest.raises(ValueError, match="Received: steps=0"):
        class_directions(model, x, y, steps=0)
    with pytest.raises(ValueError, match="no sample of 4"):
        class_directions(model, x, np.minimum(y, 3))
    with pytest.raises(ValueError, match="include_top=False"):
        class_directions(small_model(include_top=False), x, y)
