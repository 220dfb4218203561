"""A small data set in a .npz file."""

import numpy as np


def write_npz(path, **changes):
    """Writes a small valid .npz data set with `changes`; None omits an array."""
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": rng.integers(0, 256, (30, 5, 7, 3)).astype("uint8"),
        "y_train": np.arange(30) % 3,
        "x_test": rng.integers(0, 256, (9, 5, 7, 3)).astype("uint8"),
        "y_test": np.arange(9) % 3,
        **changes,
    }
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return f"npz:{path}"
