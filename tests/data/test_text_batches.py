"""Text batches: the order depends only on seed and epoch."""

import numpy as np
import pytest

from cctzoo.data import TextBatches

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


def arrays(count=23, length=7):
    x = np.random.default_rng(0).integers(0, 100, (count, length)).astype("int32")
    x[:, 0] = np.arange(count)
    return x, np.arange(count) % 5


def epoch_of(batches):
    pairs = [batches[i] for i in range(len(batches))]
    return [np.concatenate(part) for part in zip(*pairs, strict=True)]


def test_every_text_occurs_once_per_epoch():
    x, y = arrays()
    batches = TextBatches(x, y, 5, 4)
    assert len(batches) == 5
    seen = []
    for _ in range(2):
        ids, targets = epoch_of(batches)
        assert (ids.dtype, targets.dtype) == (np.int32, np.float32)
        assert (ids.shape, targets.shape) == ((20, 7), (20, 5))
        texts = ids[:, 0]
        assert len(set(texts)) == 20
        np.testing.assert_array_equal(ids, x[texts])
        np.testing.assert_array_equal(targets, np.eye(5)[y[texts]])
        seen.append(texts)
        batches.on_epoch_end()
    assert not np.array_equal(*seen)


def test_first_epoch():
    x, y = arrays()
    first = TextBatches(x, y, 5, 4, seed=3)
    for _ in range(2):
        first.on_epoch_end()
    ids, _ = epoch_of(first)
    np.testing.assert_array_equal(ids, epoch_of(TextBatches(x, y, 5, 4, seed=3, epoch=2))[0])
    assert not np.array_equal(ids, epoch_of(TextBatches(x, y, 5, 4, seed=4, epoch=2))[0])


@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"batch_size": 24}, "batch_size=24, samples=23"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"x": np.zeros((23, 7))}, r"x of float64, shape \(23, 7\)"),
        ({"x": np.zeros(23, "int32")}, r"x of int32, shape \(23,\)"),
        ({"y": np.zeros(22, "int64")}, r"y of shape \(22,\), texts=23"),
        ({"y": np.arange(23) % 5 - 1}, "y from -1 to 3, classes=5"),
        ({"classes": 4}, "y from 0 to 4, classes=4"),
    ],
)
def test_rules(changes, received):
    x, y = arrays()
    with pytest.raises(ValueError, match=f"Received: {received}"):
        TextBatches(**{"x": x, "y": y, "classes": 5, "batch_size": 4} | changes)
