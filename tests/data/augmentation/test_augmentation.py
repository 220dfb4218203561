"""Augmentation: the defining property of each step, on every backend."""

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from cctzoo.data import Augmentation
from cctzoo.data.augmentation import boxes, policies

MANY = 4000


def pictures(count=6, height=13, width=17, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, height, width, channels)).astype("uint8")


def augmented(images, augmentation, seed=0, **options):
    draws = augmentation.draw(
        np.random.default_rng(seed), len(images), *images.shape[1:3], **options
    )
    return applied(augmentation, images, draws), draws


def applied(augmentation, images, draws):
    apply = augmentation.__call__
    if keras.backend.backend() == "jax":  # one program is compiled sooner than its parts
        import jax

        apply = jax.jit(apply)
    tensors = {name: ops.convert_to_tensor(value) for name, value in draws.items()}
    return ops.convert_to_numpy(apply(ops.convert_to_tensor(images), tensors))


def test_default_augmentation_changes_nothing():
    images = pictures()
    np.testing.assert_array_equal(augmented(images, Augmentation())[0], images)


def test_flip_mirrors_half_of_the_images():
    images = pictures(MANY, 2, 3)
    found, _ = augmented(images, Augmentation(flip=True))
    mirrored = (found == images[:, :, ::-1]).all((1, 2, 3))
    kept = (found == images).all((1, 2, 3))
    assert (mirrored | kept).all()
    assert abs(mirrored.mean() - 0.5) < 0.03


def test_padded_crops_shift_by_whole_pixels():
    images = pictures(200)
    found, draws = augmented(images, Augmentation(crop_padding=3))
    shifts = set()
    padded = np.pad(images, ((0, 0), (3, 3), (3, 3), (0, 0)))
    for image, result, frame in zip(padded, found, draws["frame"], strict=True):
        top, left = 3 + int(frame[5]), 3 + int(frame[2])
        shifts.add((top, left))
        np.testing.assert_allclose(result, image[top : top + 13, left : left + 17], atol=1e-3)
    assert {row for row, _ in shifts} == {column for _, column in shifts} == set(range(7))


def test_padded_crop_and_flip_together():
    images = pictures(60)
    both, draws = augmented(images, Augmentation(crop_padding=2, flip=True))
    flipped = draws["frame"][:, 0] < 0
    assert 10 < flipped.sum() < 50
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    for image, result, frame in zip(padded, both, draws["frame"], strict=True):
        left = 2 + int(frame[2]) - (17 if frame[0] < 0 else 0)
        crop = image[2 + int(frame[5]) :][:13, left : left + 17]
        wanted = crop[:, ::-1] if frame[0] < 0 else crop
        np.testing.assert_allclose(result, wanted, atol=1e-3)


def test_resized_crops_equal_pillow():
    images = pictures(40, 24, 24)
    found, draws = augmented(images, Augmentation(crop_scale=(0.3, 1.0)))
    for image, result, frame in zip(images, found, draws["frame"], strict=True):
        box = (frame[2], frame[5], frame[2] + 24 * frame[0], frame[5] + 24 * frame[4])
        # Enlarging, so that no antialiasing tells the two apart.
        wanted = Image.fromarray(image).resize((24, 24), Image.BILINEAR, box=tuple(box))
        assert np.abs(result - np.asarray(wanted)).max() <= 1.01


@pytest.mark.parametrize("size", [(32, 32), (40, 90), (500, 20)])
def test_boxes_of_resized_crops(size):
    heights, widths = np.full(MANY, size[0]), np.full(MANY, size[1])
    draws = boxes.draw_crops(np.random.default_rng(0), MANY)
    top, left, rows, columns = boxes.resized_crops(draws, heights, widths, (0.08, 1.0)).T
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (rows >= 1).all()
    assert (columns >= 1).all()
    assert (top + rows <= size[0]).all()
    assert (left + columns <= size[1]).all()
    part = rows * columns / (size[0] * size[1])
    assert part.min() < 0.15
    assert part.max() <= 1
    ratio = columns / rows
    assert ratio.min() > 0.6
    assert ratio.max() < 1.6  # 3/4 to 4/3, but for rounding


def test_randaugment_draws():
    drawn = policies.draw_randaugment(np.random.default_rng(0), MANY, 32, 32, 2, 9.0, 0.5)
    operation, amount, warp = drawn["operation"], drawn["amount"], drawn["warp"]
    moved = (warp != policies.warp_matrix().astype("float32")).any(-1)
    applied = (operation > 0) | moved
    assert abs(applied.mean() - 0.5) < 0.02
    assert not ((operation > 0) & moved).any()
    for index in range(1, 11):  # evenly among the fifteen
        assert abs((operation == index).mean() - 0.5 / 15) < 0.01
    assert abs(moved.mean() - 0.5 * 5 / 15) < 0.02
    brighter = amount[operation == 1 + policies.ALL.index("brightness")]
    above = brighter[brighter > 1]
    assert abs((above > 1).size / brighter.size - 0.5) < 0.15
    assert abs(above.mean() - 1.81) < 0.02  # 1 + 0.9 x 9 / 10
    assert abs(above.std() - 0.045) < 0.02  # 0.9 x 0.5 / 10, cut at level 10
    assert above.max() <= 1.9
    assert set(amount[operation == 1 + policies.ALL.index("posterize")]) <= {0.0, 1.0, 2.0}


def test_randaugment_amounts_at_level_9():
    """Computed by hand from timm's increasing variants."""
    level = np.array([9.0])
    found = {
        name: float(policies.randaugment_amount(name, level, np.array([-1.0]))[0])
        for name in policies.ALL
    }
    assert found == pytest.approx(
        {
            "auto_contrast": 0,
            "equalize": 0,
            "invert": 0,
            "posterize": 1,
            "solarize": 26,
            "solarize_add": 99,
            "color": 0.19,
            "contrast": 0.19,
            "brightness": 0.19,
            "sharpness": 0.19,
            "rotate": -27,
            "shear_x": -0.27,
            "shear_y": -0.27,
            "translate_x": -0.405,
            "translate_y": -0.405,
        }
    )


def test_autoaugment_draws():
    drawn = policies.draw_autoaugment(np.random.default_rng(0), 20_000, 32, 32)
    first, second = drawn["operation"].T
    counts = np.bincount(first, minlength=11) / len(first)
    rows = policies.AUTOAUGMENT_CIFAR10
    assert len(rows) == 25
    for index, name in enumerate(policies.VALUE_OPERATIONS, 1):
        wanted = sum(p for (n, p, _), _ in rows if n == name) / 25
        assert abs(counts[index] - wanted) < 0.01
    # Both operations of a row, independently: sharpness 0.8, then 0.9.
    sharp = 1 + policies.ALL.index("sharpness")
    both = ((first == sharp) & (second == sharp)).mean()
    assert abs(both - 0.8 * 0.9 / 25) < 0.005
    solarized = drawn["amount"][drawn["operation"] == 1 + policies.ALL.index("solarize")]
    wanted = [256 - 256 * level / 9 for level in (8, 5, 3, 2)]
    np.testing.assert_allclose(np.unique(solarized), wanted, rtol=1e-6)


def test_erasing_fills_a_box_with_noise():
    images = np.full((MANY // 4, 20, 20, 3), 100, "uint8")
    found, _ = augmented(images, Augmentation(erasing=0.25))
    changed = (found != 100).any(-1)
    erased = changed.any((1, 2))
    assert abs(erased.mean() - 0.25) < 0.04
    part = changed[erased].mean((1, 2))
    assert part.min() >= 0.01
    assert part.max() <= 0.4
    noise = found[changed]  # of the mean 128 and the deviation 64 that were not given
    assert abs(noise.mean() - 128) < 1
    assert abs(noise.std() - 64) < 1
    for box in changed[erased][:50]:  # a rectangle
        rows, columns = box.any(1), box.any(0)
        np.testing.assert_array_equal(box, rows[:, None] & columns[None])


def test_mixup_mixes_images_and_targets():
    images, targets = pictures(6), np.eye(6, dtype="float32")
    augmentation = Augmentation(mixup=0.8)
    found, draws = augmented(images, augmentation)
    weight = draws["weight"][0]
    assert 0 < weight < 1
    partner = [1, 0, 3, 2, 5, 4]
    wanted = weight * images + (1 - weight) * images[partner]
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    mixed = augmentation.mix_targets(targets, draws)
    np.testing.assert_allclose(mixed, weight * targets + (1 - weight) * targets[partner])


def test_cutmix_area_matches_targets():
    images = pictures(6, 40, 40)
    augmentation = Augmentation(cutmix=1.0)
    partner = [1, 0, 3, 2, 5, 4]
    for seed in range(5):
        found, draws = augmented(images, augmentation, seed=seed)
        pasted = (found == images[partner]).all(-1)
        assert (pasted | (found == images).all(-1)).all()
        mixed = augmentation.mix_targets(np.eye(6, dtype="float32"), draws)
        np.testing.assert_allclose(pasted.mean((1, 2)), 1 - draws["weight"], atol=0.02)
        np.testing.assert_allclose(mixed[0, 1], 1 - draws["weight"][0], atol=1e-6)


def test_mixup_and_cutmix_alternate_until_they_stop():
    augmentation = Augmentation(mixup=0.8, cutmix=1.0, mixing_epochs=3)
    rng = np.random.default_rng(0)
    cut = [augmentation.draw(rng, 2, 32, 32)["mixed"].any() for _ in range(1000)]
    assert abs(np.mean(cut) - 0.5) < 0.06
    images = pictures(4)
    np.testing.assert_array_equal(augmented(images, augmentation, epoch=3)[0], images)
    assert (augmented(images, augmentation, epoch=2)[0] != images).any()


def test_pairs_stay_within_a_devices_part():
    """Several devices, each with its part of the batch, compute the same as one device."""
    images = pictures(8)
    augmentation = Augmentation(crop_padding=2, flip=True, policy="randaugment", mixup=0.8)
    whole, draws = augmented(images, augmentation)
    for part in (slice(0, 4), slice(4, 8)):
        part_of_it = applied(augmentation, images[part], {k: v[part] for k, v in draws.items()})
        np.testing.assert_allclose(part_of_it, whole[part], atol=1e-3)


@pytest.mark.parametrize("channels", [1, 3])
def test_all_steps_together(channels):
    whole = Augmentation(
        crop_scale=(0.8, 1.0), flip=True, policy="randaugment", erasing=0.5, mixup=1, cutmix=1
    )
    images = pictures(8, 11, 19, channels)
    first, second, other = (augmented(images, whole, seed)[0] for seed in (1, 1, 2))
    assert first.shape == images.shape
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@pytest.mark.parametrize(
    "changes",
    [
        {"crop_padding": -1},
        {"crop_scale": (0.0, 1.0)},
        {"crop_scale": (0.9, 0.8)},
        {"policy": "trivial"},
        {"magnitude": 11},
        {"operations": 0},
        {"erasing": 1.5},
        {"mixup": -0.1},
        {"cutmix": float("inf")},
        {"mixing_epochs": -1},
    ],
)
def test_invalid_values(changes):
    ((name, _),) = changes.items()
    with pytest.raises(ValueError, match=rf"`{name}` must .*Received: {name}="):
        Augmentation(**changes)


def test_two_kinds_of_crops():
    with pytest.raises(ValueError, match=r"crop_padding=4, crop_scale=\(0.8, 1.0\)"):
        Augmentation(crop_padding=4, crop_scale=(0.8, 1.0))


def test_policies_need_1_or_3_channels():
    with pytest.raises(ValueError, match="channels=4"):
        augmented(pictures(2, channels=4), Augmentation(policy="randaugment"))
