"""scikit-learn's handwritten digits: real images that need no download."""

import numpy as np

from cctzoo.data.splits import hold_out

SIDE = 16  # pixels; twice the original's, so that convolution and pooling have room


def load_digits():
    """((x_train, y_train, x_test, y_test), classes); a fixed fifth is the test part."""
    from keras import ops
    from sklearn import datasets

    digits = datasets.load_digits()
    images = digits.images[..., None].astype("float32") * (255 / 16)  # (1797, 8, 8, 1)
    images = ops.image.resize(
        images, (SIDE, SIDE), interpolation="bilinear", data_format="channels_last"
    )
    images = np.rint(ops.convert_to_numpy(images)).astype("uint8")
    labels = digits.target.astype("int64")
    kept, held = hold_out(labels, 0.2, seed=0)
    parts = images[kept], labels[kept], images[held], labels[held]
    return parts, [str(name) for name in digits.target_names]
