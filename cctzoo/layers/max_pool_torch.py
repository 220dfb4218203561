"""Max pooling under PyTorch, without copies of the feature map."""

from collections.abc import Sequence

from torch.nn.functional import max_pool2d

from cctzoo.typing import Tensor


def max_pool(
    x: Tensor,
    size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    keep_rest: bool = False,
) -> Tensor:
    """Max pooling (B, H, W, C) -> (B, H', W', C).

    Keras' layer copies the map to channels-first order and back, in both passes; a view is
    enough.

    Args:
        x: the feature map.
        size: side of the windows, or (height, width).
        stride: step between windows. Default: `size`.
        padding: rows and columns added at each end, which are never the maximum.
        keep_rest: whether the rows that do not fill a last window have a smaller one.
    """
    x = max_pool2d(x.permute(0, 3, 1, 2), size, stride, padding, ceil_mode=keep_rest)
    return x.permute(0, 2, 3, 1)
