"""Encoded images: the evaluation view, subsets, pickling, broken files."""

import dataclasses
import pickle

import numpy as np
import pytest
from PIL import Image

from cctzoo.data.encoded_images import EncodedImages, FileSource
from cctzoo.data.view import View
from tests.data.pictures import encoded, picture

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files

BICUBIC = Image.Resampling.BICUBIC


def files(folder, images, form="PNG"):
    paths = []
    for i, image in enumerate(images):
        paths.append(folder / f"{i}.{form.lower()}")
        paths[-1].write_bytes(encoded(image, form))
    return EncodedImages(FileSource(paths), (18, 27))


def test_shape_and_subsets(tmp_path):
    pictures = [picture(i, 40 + i, 60) for i in range(5)]
    images = files(tmp_path, pictures)
    assert images.shape == (5, 18, 27, 3)
    for indices in ([3, 1], np.array([3, 1]), slice(3, 0, -2)):
        chosen = images[indices]
        assert chosen.shape == (2, 18, 27, 3)
        np.testing.assert_array_equal(np.asarray(chosen.open(0)), np.asarray(pictures[3]))
    mask = np.arange(5) == 4
    np.testing.assert_array_equal(images[mask].batch([0]), images.batch([4]))
    np.testing.assert_array_equal(images[[3, 1]][[1]].batch([0]), images.batch([1]))
    assert images[:0].shape == images[[]].shape == (0, 18, 27, 3)
    assert images[:0].batch(slice(None)).shape == (0, 18, 27, 3)


def test_invalid_indices(tmp_path):
    images = files(tmp_path, [picture(0)])
    with pytest.raises(IndexError):
        images[[1]]
    with pytest.raises(TypeError, match=r"images\.open\(i\)"):
        images[0]


@pytest.mark.parametrize("height_width", [(31, 31), (29, 53), (53, 29), (300, 200)])
@pytest.mark.parametrize("size", [(27, 27), (13, 37), (37, 13)])
def test_evaluation_view_is_centre_of_resized_image(tmp_path, height_width, size):
    image = picture(1, *height_width)
    images = dataclasses.replace(files(tmp_path, [image]), image_size=size)
    height, width = ({27: 30, 13: 14, 37: 41}[side] for side in size)  # side / 0.9, floored
    if width * height_width[0] > height * height_width[1]:
        resized = image.resize((width, width * height_width[0] // height_width[1]), BICUBIC)
    else:
        resized = image.resize((height * height_width[1] // height_width[0], height), BICUBIC)
    left, top = round((resized.width - size[1]) / 2), round((resized.height - size[0]) / 2)
    expected = np.asarray(resized)[top : top + size[0], left : left + size[1]]
    np.testing.assert_array_equal(images.batch([0])[0], expected)


def test_crop_pct_1_shows_whole_square_image(tmp_path):
    image = picture(1, 18, 18)
    images = dataclasses.replace(
        files(tmp_path, [image]), image_size=(18, 18), view=View(crop_pct=1.0)
    )
    np.testing.assert_array_equal(images.batch([0])[0], np.asarray(image))


def test_evaluation_view_equals_timm(tmp_path):
    """timm resizes 375x500 to 248x330 for a view of 224x224."""
    ramp = Image.linear_gradient("L").resize((500, 375)).convert("RGB")
    images = dataclasses.replace(files(tmp_path, [ramp]), image_size=(224, 224))
    resized = ramp.resize((330, 248), BICUBIC)
    np.testing.assert_array_equal(images.batch([0])[0], np.asarray(resized)[12:236, 53:277])


def test_modes_are_converted(tmp_path):
    grey = dataclasses.replace(files(tmp_path, [picture(0)]), mode="L")
    assert grey.open(0).mode == "L"
    assert grey.shape == (1, 18, 27, 1)
    assert grey.batch([0]).shape == (1, 18, 27, 1)
    palette = picture(0, mode="P")
    palette.info["transparency"] = bytes(256)
    assert files(tmp_path, [palette]).open(0).mode == "RGB"  # and without Pillow's warning


def test_pickle_round_trip(tmp_path):
    images = files(tmp_path, [picture(i) for i in range(3)])[[2, 0]]
    again = pickle.loads(pickle.dumps(images))
    np.testing.assert_array_equal(again.batch([0, 1]), images.batch([0, 1]))


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_broken_image_is_named(tmp_path, form):
    images = files(tmp_path, [picture(0, 200, 300), picture(1, 200, 300)], form)
    path = images.source.paths[1]
    path.write_bytes(path.read_bytes()[:-900])
    for read in (lambda: images.open(1), lambda: images.batch([0, 1])):
        with pytest.raises(ValueError, match=f"must be readable. Received: {path}"):
            read()
