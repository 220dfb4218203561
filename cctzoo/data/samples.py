"""Samples: what a part of a data set holds."""

from typing import Any, Literal

import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.data.encoded_images import EncodedImages

Kind = Literal["images", "texts"]
Samples = np.ndarray | EncodedImages


@checked_arguments
def take(x: Samples, indices: Any) -> np.ndarray:
    """Returns samples as an array; `EncodedImages` are decoded (see `EncodedImages.batch`).

    Args:
        x: the samples of a part.
        indices: a slice or an integer or Boolean array.
    """
    return x[indices] if isinstance(x, np.ndarray) else x.batch(indices)
