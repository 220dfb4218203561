"""scikit-learn's handwritten digits: real images that need no download."""

import numpy as np

from cctzoo.data.image_size import ImageSize, check_size
from cctzoo.data.sources.parts import Parts, split_test
from cctzoo.optional_packages import require

SIDE = 16  # pixels; twice the original size, to leave room for convolution and pooling


def load_digits(image_size: ImageSize | None = None) -> Parts:
    """Loads 1,797 grey images, 16x16; see `data.load`."""
    require("sklearn", extra="recipes", purpose="The data set 'digits'")
    from keras import ops
    from sklearn import datasets

    digits = datasets.load_digits()
    images = digits.images[..., None].astype("float32") * (255 / 16)  # (1797, 8, 8, 1)
    images = ops.image.resize(
        images, (SIDE, SIDE), interpolation="bilinear", data_format="channels_last"
    )
    images = np.rint(ops.convert_to_numpy(images)).astype("uint8")
    check_size(images, image_size)
    parts = split_test(images, digits.target.astype("int64"))
    return Parts(*parts, [str(name) for name in digits.target_names])
