"""Image batches: order, random numbers and decoding depend only on seed and epoch."""

import numpy as np
import pytest
from PIL import Image

from cctzoo.data import Augmentation, EncodedImages, ImageBatches
from cctzoo.data.class_weights import balanced_weights
from cctzoo.data.encoded_images import FileSource

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


def arrays(count=23):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 6, 7, 3), "uint8"), np.arange(count) % 5


def epoch_of(batches):
    return [batches[i] for i in range(len(batches))]


def assert_equal(one, other):
    for (a, targets_a), (b, targets_b) in zip(one, other, strict=True):
        assert a.keys() == b.keys()
        for name, value in a.items():
            np.testing.assert_array_equal(value, b[name])
        np.testing.assert_array_equal(targets_a, targets_b)


def test_every_image_occurs_once_per_epoch():
    x, y = arrays()
    batches = ImageBatches(x, y, 5, 4)
    assert len(batches) == 5
    seen = []
    for _ in range(2):
        index = np.concatenate([inputs["index"] for inputs, _ in epoch_of(batches)])
        targets = np.concatenate([targets for _, targets in epoch_of(batches)])
        assert len(set(index)) == 20
        np.testing.assert_array_equal(targets, np.eye(5)[y[index]])
        seen.append(index)
        batches.on_epoch_end()
    assert not np.array_equal(*seen)


def test_first_epoch():
    x, y = arrays()
    whole = Augmentation(crop_padding=1, flip=True, policy="randaugment", mixup=1.0, cutmix=1.0)
    first = ImageBatches(x, y, 5, 4, whole, seed=3)
    epochs = []
    for _ in range(3):
        epochs.append(epoch_of(first))
        first.on_epoch_end()
    assert_equal(epochs[2], epoch_of(ImageBatches(x, y, 5, 4, whole, seed=3, epoch=2)))
    with pytest.raises(AssertionError):
        assert_equal(epochs[2], epoch_of(ImageBatches(x, y, 5, 4, whole, seed=4, epoch=2)))


@pytest.fixture
def encoded(tmp_path):
    """Twelve images of several sizes, each of one colour."""
    for i in range(12):
        size = 20 + 3 * i, 44 - 2 * i
        picture = Image.new("RGB", size, (20 * i, 100, 50))
        picture.save(tmp_path / f"{i:02d}.png")
    return EncodedImages(FileSource(sorted(map(str, tmp_path.iterdir()))), (9, 8))


@pytest.mark.parametrize("crop_scale", [None, (0.2, 1.0)])
def test_encoded_images_are_decoded_and_cropped(encoded, crop_scale):
    y = np.arange(12)
    batches = ImageBatches(encoded, y, 12, 4, Augmentation(crop_scale=crop_scale, flip=True))
    for inputs, targets in epoch_of(batches):
        images = inputs["image"]
        assert images.shape == (4, 9, 8, 3)
        assert images.dtype == np.uint8
        wanted = 20 * targets.argmax(1)
        np.testing.assert_allclose(
            images[..., 0], np.broadcast_to(wanted[:, None, None], (4, 9, 8))
        )
        # The crop is made: what is left for the compiled step is the mirror image.
        np.testing.assert_array_equal(np.abs(inputs["frame"][:, 0]), 1)
        assert set(inputs["frame"][:, 2]) <= {0, 8}


def test_class_weights():
    """Scikit-learn's balanced weights; the weights of mixed images are mixed like their targets."""
    x, _ = arrays(24)
    y = np.array([0] * 18 + [1] * 6)
    weights = balanced_weights(y, 3)
    np.testing.assert_allclose(weights, [24 / (2 * 18), 24 / (2 * 6), 0])
    plain = ImageBatches(x, y, 3, 6, class_weights=weights)
    seen = [(y[inputs["index"]], w) for inputs, _, w in epoch_of(plain)]
    labels, found = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    np.testing.assert_allclose(found, weights[labels])
    assert found.mean() == pytest.approx(1)
    mixed = ImageBatches(x, y, 3, 6, Augmentation(mixup=1.0), class_weights=weights)
    for inputs, targets, found in epoch_of(mixed):
        own = y[inputs["index"]]
        partner = own.reshape(-1, 2)[:, ::-1].reshape(-1)
        share = inputs["weight"]
        np.testing.assert_allclose(
            found, share * weights[own] + (1 - share) * weights[partner], rtol=1e-5
        )
        np.testing.assert_allclose(targets.sum(1), 1, rtol=1e-6)
    for wrong in ([1, 2], [1, -1, 1], [0, 0, 0], [1, np.nan, 1], list("abc")):
        with pytest.raises(ValueError, match=r"`class_weights` must .*classes=3"):
            ImageBatches(x, y, 3, 6, class_weights=wrong)


def test_rules():
    x, y = arrays()
    with pytest.raises(ValueError, match="batch_size=24, samples=23"):
        ImageBatches(x, y, 5, 24)
    with pytest.raises(ValueError, match="batch_size=3"):
        ImageBatches(x, y, 5, 3, Augmentation(cutmix=1.0))
