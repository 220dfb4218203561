"""A folder of pictures of every kind, and of files that are not read."""

import os
import struct
import zlib

import numpy as np
from PIL import Image

from tests.data.pictures import picture


def mixed_folder(root):
    """Pictures of every kind: sizes and aspect ratios, orientations, modes, formats, suffixes."""
    sizes = [(8, 8), (8, 32), (32, 8), (9, 31), (16, 20), (17, 21), (100, 400), (1000, 4000)]
    for height, width in sizes:
        picture(height, height, width).save(root / f"{height}x{width}.png")
    for tag in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = tag
        for suffix in ("jpg", "png"):
            picture(tag, 40, 90).save(root / f"orientation{tag}.{suffix}", exif=exif)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"):
        suffix = "tif" if mode in ("CMYK", "YCbCr") else "png"
        picture(1, 30, 45).convert(mode).save(root / f"mode{mode}.{suffix}")
    picture(2, 30, 45).convert("CMYK").save(root / "cmyk.jpg")
    picture(3, 30, 45).convert("P").save(root / "transparent.png", transparency=b"\0\x80\xff")
    frames = [picture(seed, 30, 45) for seed in (4, 5)]
    for name in ("animated.gif", "animated.webp", "animated.apng"):
        options = {"format": "PNG"} if name.endswith("apng") else {}
        frames[0].save(root / name, save_all=True, append_images=frames[1:], **options)
    frames[0].save(root / "phone.jpeg", "MPO", save_all=True, append_images=frames[1:])
    picture(6, 30, 45).save(root / "jpeg_inside.png", "JPEG")
    for suffix in ("bmp", "ppm", "tga", "jp2", "pcx", "JFIF"):
        form = {"format": "JPEG"} if suffix == "JFIF" else {}
        picture(7, 30, 45).save(root / f"other.{suffix}", **form)
    (root / "a" / "b").mkdir(parents=True)
    picture(8, 30, 45).save(root / "a" / "b" / "deep.png")
    picture(9).save(root / "no_suffix", "PNG")
    exif = (root / "orientation6.jpg").read_bytes().replace(b"MM\0*", b"XX\0*")
    (root / "broken_exif.jpg").write_bytes(exif)
    count = sum(path.is_file() for path in root.rglob("*"))
    # Not read, as in training.
    deep = np.arange(40, dtype="uint16").reshape(5, 8) * 1000
    Image.fromarray(deep).save(root / "deep16.png")
    Image.fromarray(deep.astype("float32")).save(root / "float.tif")
    (root / "broken.png").write_bytes((root / "modeRGB.png").read_bytes()[:90])
    (root / "postscript.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    (root / "bomb.png").write_bytes(bomb())
    (root / "link.png").symlink_to(root / "nowhere")
    os.mkfifo(root / "pipe.png")
    refused = ["bomb.png", "broken.png", "deep16.png", "float.tif"]
    refused += ["link.png", "pipe.png", "postscript.png"]
    (root / "notes.txt").write_text("text")
    (root / "README").write_text("text")
    # Hidden files and those of the system are ignored.
    picture(9).save(root / ".hidden.png")
    (root / "Thumbs.db").write_bytes(b"")
    for name in (".cache", "__MACOSX"):
        (root / name).mkdir()
        picture(9).save(root / name / "thumb.png")
    return count, refused


def bomb():
    """A PNG whose header says 60,000 x 60,000 pixels."""

    def chunk(kind, content):
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = chunk(b"IHDR", struct.pack(">2I5B", 60_000, 60_000, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body
