"""Samples: what a part of a data set holds."""

from typing import Any, Literal

import numpy as np

from cctzoo.arguments import checked_arguments
from cctzoo.data.encoded_images import EncodedImages
from cctzoo.messages import received

Kind = Literal["images", "texts"]
Samples = np.ndarray | EncodedImages


@checked_arguments
def take(x: Samples, indices: Any) -> np.ndarray:
    """Returns samples as an array; `EncodedImages` are decoded (see `EncodedImages.batch`).

    Args:
        x: the samples of a part.
        indices: a slice or an integer or Boolean array.

    Raises:
        ValueError: for other `indices`, or an index out of range.
    """
    if not isinstance(indices, slice):
        places = np.asarray(indices)
        whole = places.dtype.kind in "iu" or not places.size
        mask = places.dtype.kind == "b" and places.shape == (len(x),)
        if not mask and not (whole and np.all((-len(x) <= places) & (places < len(x)))):
            raise ValueError(
                f"`indices` must be a slice, integers below the number of samples, {len(x)}, or "
                f"one Boolean per sample. {received(indices=indices)}"
            )
        indices = places if places.size else places.astype("int64")
    return x[indices] if isinstance(x, np.ndarray) else x.batch(indices)


def check_sample_shape(samples: Samples, shape: tuple[int, ...], argument: str) -> None:
    """Raises ValueError unless the samples are at least one and have the shape of an input.

    Args:
        samples: images, or token ids.
        shape: of one sample.
        argument: name of the samples in the message.
    """
    found = tuple(samples.shape)
    if found[1:] != tuple(shape) or not found[0]:
        raise ValueError(
            f"`{argument}` must be at least one sample of shape {tuple(shape)}, in an array "
            f"(n, {', '.join(map(str, shape))}). Received: {argument} of shape {found}"
        )
