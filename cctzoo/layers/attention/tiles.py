"""How the fused forms of attention cut their work into tiles."""

from cctzoo.layers.functional import BACKEND
from cctzoo.typing import Tensor

# Bytes of float32 scores in one tile, with 64 heads on 256 tokens and 2 cores: the fastest of
# 0.25, 1 and 4 MiB (JAX) and of 0.25 to 16 MiB (TensorFlow); 1 and 4 MiB are equal under
# PyTorch. On a GPU one tile has to fill the device (not measured).
CPU_TILE_BYTES = {"jax": 4 << 20, "tensorflow": 16 << 20, "torch": 4 << 20}
GPU_TILE_BYTES = 256 << 20


def tile_shape(x: Tensor, on_gpu: bool) -> tuple[int, int]:
    """(samples, heads) of one tile, divisors of B and N.

    A tile has several samples only if it has all heads.

    Args:
        x: queries (B, N, T, H); B may be unknown.
        on_gpu: whether the tile is computed on an accelerator.
    """
    batch, heads, tokens, _ = x.shape
    budget = GPU_TILE_BYTES if on_gpu else CPU_TILE_BYTES[BACKEND]
    room = max(1, budget // (4 * tokens * tokens))  # heads that fit
    if room < heads or batch is None:
        return 1, max(n for n in range(1, min(room, heads) + 1) if heads % n == 0)
    return max(n for n in range(1, min(room // heads, batch) + 1) if batch % n == 0), heads
