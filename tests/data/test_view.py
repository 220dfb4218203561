"""Image files as a model's input: orientation, colours, sizes, and what is refused."""

import io
import subprocess

import numpy as np
import pytest
from PIL import Image

from cctzoo import data
from cctzoo.data.image_files import decode, is_image
from tests.data.pictures import encoded, picture, save_classes

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files

# The stored pixels of each EXIF orientation, from the upright ones.
STORED = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x),
    7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: lambda x: np.rot90(x, -1),
}


def stored(image, orientation, form="PNG", **options):
    """The bytes of a file whose tag says how the image becomes upright again."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    turned = Image.fromarray(np.ascontiguousarray(STORED[orientation](np.asarray(image))))
    turned.save(stream, form, exif=exif, **options)
    return stream.getvalue()


@pytest.mark.parametrize("orientation", STORED)
def test_orientation(orientation):
    upright = picture(3, 20, 30)
    for form, options in (
        ("PNG", {}),
        ("TIFF", {}),
        ("WEBP", {"lossless": True}),
        ("JPEG", {"quality": 100, "subsampling": 0}),
        ("MPO", {"quality": 100, "save_all": True, "append_images": [picture(4)]}),  # of phones
    ):
        content = stored(upright, orientation, form, **options)
        image = data.View().open(content, "RGB", form)
        error = np.abs(np.asarray(image, "int16") - np.asarray(upright, "int16"))
        assert image.size == (30, 20)
        assert error.mean() < {"JPEG": 8, "MPO": 8}.get(form, 1e-9), form
        if form != "TIFF":  # which Pillow itself rotates
            image = data.View(orient=False).open(content, "L", form)
            assert image.size == ((30, 20) if orientation < 5 else (20, 30))


def test_orientation_in_xmp_data():
    content = io.BytesIO()
    info = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    picture(0).save(content, "WEBP", xmp=info)
    assert data.View().open(content.getvalue(), "RGB", "a.webp").size == (20, 30)


BROKEN_EXIF = (b"Exif\0\0no TIFF header", b"Exif\0\0MM\0*", b"")


@pytest.mark.parametrize("exif", BROKEN_EXIF)
def test_broken_exif_data(exif):
    content = io.BytesIO()
    picture(0).save(content, "PNG", exif=exif)
    image = data.View().open(content.getvalue(), "RGB", "a.png")
    np.testing.assert_array_equal(np.asarray(image), np.asarray(picture(0)))


def test_folders_apply_the_orientation_everywhere(tmp_path):
    for name, orientations in (("upright", [1]), ("turned", range(1, 9))):
        root = save_classes(tmp_path / name, {"a": 10, "b": 10})
        for i, path in enumerate(sorted(root.rglob("*.png"))):
            orientation = orientations[i % len(orientations)]
            path.write_bytes(stored(picture(i, 12, 36), orientation))
    upright, turned = (
        data.load(f"folder:{tmp_path / name}", image_size=(12, 18))
        for name in ("upright", "turned")
    )
    for part in ("x_train", "x_validation", "x_test"):
        first, second = (getattr(loaded, part).batch(slice(None)) for loaded in (upright, turned))
        np.testing.assert_array_equal(first, second)
    assert upright.pixel_statistics() == turned.pixel_statistics()
    crop = data.Augmentation(crop_scale=(0.3, 1.0))
    batches = [loaded.batches(4, crop, seed=2) for loaded in (upright, turned)]
    np.testing.assert_array_equal(batches[0][1][0]["image"], batches[1][1][0]["image"])
    paths = turned.x_test.source.paths
    np.testing.assert_array_equal(
        data.read_images(paths, (12, 18, 3)), turned.x_test.batch(slice(None))
    )


def clear(image):
    """A palette image with transparency per colour."""
    palette = image.convert("P")
    palette.info["transparency"] = bytes(range(256))
    return palette


MODES = {
    "grey.png": (lambda image: image.convert("L"), "PNG"),
    "clear.png": (clear, "PNG"),
    "palette.gif": (lambda image: image.convert("P"), "GIF"),
    "alpha.png": (lambda image: image.convert("RGBA"), "PNG"),
    "grey-alpha.png": (lambda image: image.convert("LA"), "PNG"),
    "binary.png": (lambda image: image.convert("1"), "PNG"),
    "print.jpg": (lambda image: image.convert("CMYK"), "JPEG"),
    "video.tif": (lambda image: image.convert("YCbCr"), "TIFF"),
    "print.tif": (lambda image: image.convert("CMYK"), "TIFF"),
    "wrong.png": (lambda image: image, "BMP"),
    "photo.avif": (lambda image: image, "AVIF"),
    "photo.jp2": (lambda image: image, "JPEG2000"),
    "photo.qoi": (lambda image: image, "QOI"),
    "photo.tga": (lambda image: image, "TGA"),
    "photo": (lambda image: image, "JPEG"),
}


@pytest.mark.parametrize("name", MODES)
def test_modes_and_formats(tmp_path, name):
    change, form = MODES[name]
    if form == "AVIF" and "AVIF" not in Image.SAVE:
        pytest.skip("Pillow was built without AVIF")
    image = change(picture(7, 40, 50))
    (tmp_path / name).write_bytes(encoded(image, form))
    for channels, mode in ((1, "L"), (3, "RGB")):
        read = data.read_images(tmp_path / name, (36, 36, channels))
        plain = image.convert("RGBA") if image.mode == "P" else image
        expected = data.View().crop(plain.convert(mode), 36, 36)
        error = read.reshape(36, 36, -1) - np.asarray(expected, "float32").reshape(36, 36, -1)
        assert np.abs(error).mean() < 8, mode


def test_palette_with_alpha_channel():
    image = Image.new("PA", (10, 10))
    image.putpalette([10, 20, 30] * 256)
    converted = data.View().crop(image.convert("RGB"), 9, 9)
    assert np.asarray(converted)[0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_animations(form):
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("#ff0000", "#00ff00", "#0000ff")]
    content = io.BytesIO()
    frames[0].save(content, form, save_all=True, append_images=frames[1:])
    image = data.View().open(content.getvalue(), "RGB", form)
    assert image.getpixel((5, 5))[0] > 250
    assert max(image.getpixel((5, 5))[1:]) < 5


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_deep_images_are_refused_alike(tmp_path, mode):
    """Single pictures, folders and `read_images` have one rule."""
    root = save_classes(tmp_path, {"a": 5, "b": 5}, suffix=".tiff", mode="L")
    path = root / "b" / "000.tiff"
    picture(0, mode="L").convert(mode).save(path)
    rule = "Images must have 8 bits per channel; deeper images would be clipped"
    with pytest.raises(ValueError, match=f"{rule}.*{path}, of Pillow's mode {mode}"):
        data.read_images([path], (32, 32, 1))
    with pytest.raises(ValueError, match=f"{rule}.*{path}"):
        data.load(f"folder:{root}", color_mode="grayscale")


def test_mode_that_pillow_cannot_convert(tmp_path):
    root = save_classes(tmp_path, {"a": 5, "b": 5}, suffix=".tiff")
    path = root / "b" / "000.tiff"
    Image.new("LAB", (20, 20)).save(path)
    with pytest.raises(ValueError, match=f"converts to L. Received: {path}, .*mode LAB"):
        data.read_images(path, (32, 32, 1))
    with pytest.raises(ValueError, match=rf"1 of 10 have not: {path} \(LAB\)"):
        data.load(f"folder:{root}", color_mode="grayscale")


def test_decompression_bomb(tmp_path, monkeypatch):
    root = save_classes(tmp_path, {"a": 5, "b": 5})
    bomb = root / "a" / "000.png"
    picture(0, 100, 100).save(bomb)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1500)  # Pillow's error is at the double
    with pytest.raises(ValueError, match=f"Received: {bomb} .*decompression bomb"):
        data.read_images(bomb, (32, 32, 3))
    with pytest.raises(ValueError, match=f"1 of 10 images are unreadable: {bomb}"):
        data.load(f"folder:{root}")
    bomb.rename(bomb.with_suffix(""))
    assert is_image(bomb.with_suffix(""))  # and is then refused, not left out


@pytest.mark.parametrize("height_width", [(8, 8), (8, 32), (32, 8), (1000, 4000), (4000, 1000)])
def test_sizes_and_aspect_ratios(tmp_path, height_width):
    """A wide ramp from black to white: its centre is grey, and the crop leaves out the ends."""
    height, width = height_width
    ramp = np.linspace(0, 255, width).astype("uint8")
    Image.fromarray(np.broadcast_to(ramp, (height, width)).copy()).save(tmp_path / "a.bmp")
    row = data.read_images(tmp_path / "a.bmp", (36, 36, 1))[18, :, 0].astype(float)
    shown = 0.9 * min(1, height / width)  # of the width
    np.testing.assert_allclose(row.mean(), 127.5, atol=5)
    atol = 8 if width > 8 else 48  # eight columns end in half a column of black and of white
    np.testing.assert_allclose(row[-1] - row[0], 255 * shown * 35 / 36, atol=atol)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n"


@pytest.mark.parametrize("suffix", [".png", ""])
def test_ghostscript_is_never_started(tmp_path, monkeypatch, suffix):
    root = save_classes(tmp_path, {"a": 5, "b": 5})
    path = root / "a" / f"000{suffix}"
    path.write_bytes(EPS)

    def refuse(*arguments, **options):
        raise AssertionError(f"a program was started: {arguments}")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", refuse)
    with pytest.raises(ValueError, match="must be readable"):
        decode(EPS, "a.png")
    assert not is_image(path)
    if suffix:
        with pytest.raises(ValueError, match=f"1 of 10 images are unreadable: {path}"):
            data.load(f"folder:{root}")
    else:
        with pytest.warns(UserWarning, match="1 file is not read in .*: 1 without a suffix"):
            data.load(f"folder:{root}")


def test_read_images_shapes(tmp_path):
    picture(0).save(tmp_path / "a.png")
    path = tmp_path / "a.png"
    one, many = (data.read_images(paths, (18, 27, 3)) for paths in (str(path), [path, path]))
    assert (one.shape, many.shape, one.dtype) == ((18, 27, 3), (2, 18, 27, 3), np.uint8)
    np.testing.assert_array_equal(many[1], one)
    assert data.read_images([], (18, 27, 1)).shape == (0, 18, 27, 1)
    with pytest.raises(ValueError, match=r"1 or 3 channels. Received: shape=\(18, 27, 2\)"):
        data.read_images(path, (18, 27, 2))


@pytest.mark.parametrize(
    "options",
    [{"orient": 1}, {"crop_pct": 0}, {"crop_pct": 1.1}, {"interpolation": "nearest"}],
)
def test_invalid_view(options):
    ((key, value),) = options.items()
    with pytest.raises(ValueError, match=f"Received: {key}={value!r}"):
        data.View(**options)
