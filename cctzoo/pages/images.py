"""Small images as one picture inside a page."""

import base64
import io
import math
from typing import Any

import numpy as np

from cctzoo.typing import Array

QUALITY = 85  # of a JPEG


def image_sheet(images: Array, lossy: bool = False) -> dict[str, Any]:
    """Puts images into one picture, in rows, for `imageTile` of `js/sheet.js`.

    Args:
        images: (n, height, width, channels) uint8, with 1 or 3 channels and n of at least 1.
        lossy: whether the picture is a JPEG, which takes a fraction of the bytes of a PNG.

    Returns:
        A dict for JSON with `source` (a data URL), `width` and `height` of one image, `columns`
        and `count`.
    """
    from PIL import Image

    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise ValueError(
            "`images` must be uint8 of the shape (n, height, width, 1 or 3). "
            f"Received: images.dtype={images.dtype}, images.shape={images.shape}"
        )
    count, height, width, channels = images.shape
    if not count:
        raise ValueError("`images` must not be empty. Received: 0 images")
    columns = math.ceil(math.sqrt(count * height / width))
    rows = math.ceil(count / columns)
    sheet = np.zeros((rows * columns, height, width, channels), "uint8")
    sheet[:count] = images
    sheet = sheet.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    file = io.BytesIO()
    kind, options = ("jpeg", {"quality": QUALITY}) if lossy else ("png", {"optimize": True})
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(file, kind, **options)
    source = f"data:image/{kind};base64," + base64.b64encode(file.getvalue()).decode()
    size = {"width": width, "height": height, "columns": columns, "count": count}
    return {"source": source, **size}
