"""The formulas in NumPy, slow and obvious, in float64."""

import math

import numpy as np


def convolve(x, kernel, stride=1, padding=0):
    """(B, H, W, C), (K, K, C, F) -> (B, H', W', F), zero padding on all four sides."""
    side = len(kernel)
    return np.stack(
        [np.einsum("bhwc,hwcf->bf", w, kernel) for w in _windows(x, side, stride, padding, 0)], 1
    ).reshape(len(x), *_size(x, side, stride, padding), -1)


def depthwise(x, kernel):
    """(B, H, W, C), (3, 3, C, 1) -> (B, H, W, C), zero padding 1."""
    return np.stack(
        [np.einsum("bhwc,hwc->bc", w, kernel[..., 0]) for w in _windows(x, 3, 1, 1, 0)], 1
    ).reshape(x.shape)


def max_pool(x, side, stride, padding=0):
    windows = _windows(x, side, stride, padding, -np.inf)
    maxima = np.stack([w.max((1, 2)) for w in windows], 1)
    return maxima.reshape(len(x), *_size(x, side, stride, padding), -1)


def _windows(x, side, stride, padding, value):
    padded = np.pad(x, ((0, 0), (padding,) * 2, (padding,) * 2, (0, 0)), constant_values=value)
    for i, j in np.ndindex(_size(x, side, stride, padding)):
        i, j = i * stride, j * stride
        yield padded[:, i : i + side, j : j + side]


def _size(x, side, stride, padding):
    return tuple((n + 2 * padding - side) // stride + 1 for n in x.shape[1:3])


def layer_norm(x, gamma, beta):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta


def gelu(x):
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def gelu_gradient(x):
    normal = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    return (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2 + x * normal


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# Each with its derivative.
ACTIVATIONS = {
    "gelu": (gelu, gelu_gradient),
    "quick_gelu": (
        lambda x: x * sigmoid(1.702 * x),
        lambda x: sigmoid(1.702 * x) * (1 + 1.702 * x * sigmoid(-1.702 * x)),
    ),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(float)),
}


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def attention(x, qkv, projection, bias, num_heads, mask=None):
    """(output (B, T, D), scores (B, N, T, T), heads (B, T, N, H)); `qkv` is (D, 3*N*H)."""
    batch, tokens, _ = x.shape
    inner = qkv.shape[1] // 3
    width = inner // num_heads
    scores = np.zeros((batch, num_heads, tokens, tokens))
    heads = np.zeros((batch, tokens, num_heads, width))
    for b, n in np.ndindex(batch, num_heads):
        query, key, value = (
            x[b] @ qkv[:, part * inner + n * width : part * inner + (n + 1) * width]
            for part in range(3)
        )  # each (T, H)
        logits = query @ key.T / math.sqrt(width)
        if mask is not None:
            logits = np.where(mask[b], logits, -np.inf)  # (T,) or (T, T)
        scores[b, n] = softmax(logits)
        heads[b, :, n] = scores[b, n] @ value
    output = np.concatenate([heads[:, :, n] for n in range(num_heads)], -1) @ projection + bias
    return output, scores, heads
