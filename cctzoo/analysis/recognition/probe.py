"""The probe: sequence pooling and a linear classifier on frozen features."""

import dataclasses

import numpy as np

from cctzoo.typing import Array

CHUNK = 16  # samples per chunk of tokens: 16 x 256 tokens x 256 channels x 4 bytes = 4 MB


@dataclasses.dataclass(frozen=True, eq=False)
class Probe:
    """A linear classifier of the pooled features of a block.

    Args:
        kernel: (features, C).
        bias: (C,); zeros if the classifier has no bias.
        score: (features,): kernel of the sequence pooling; None if the pooling is not
            trained. A bias would add the same number to the scores of all tokens, without any
            effect on their weights.
    """

    kernel: Array
    bias: Array
    score: Array | None = None

    def __call__(self, pooled: Array) -> Array:
        """Returns logits (n, C) for pooled features (n, features)."""
        return pooled @ self.kernel + self.bias


def fit_classifier(
    x: Array, y: Array, classes: int, l2: float = 1e-3, bias: bool = False, iterations: int = 300
) -> tuple[Array, Array]:
    """Fits a linear classifier: minimises cross-entropy + l2 / 2 * the sum of squared weights.

    The problem is convex and has a single solution, which depends neither on the order of the
    samples nor on a seed or the backend. For the penalty, the features are divided by a single
    number, their root mean square. The penalty also makes the solution unique: without a bias,
    the weights of a feature sum to 0 over the classes.

    Args:
        x: (n, features).
        y: (n,) integers.
        classes: number of classes.
        l2: penalty, positive.
        bias: whether the classifier has a bias, which has no penalty.
        iterations: largest number of L-BFGS steps.

    Returns:
        (kernel (features, classes), bias (classes,)), float32.
    """
    x = np.asarray(x, "float32")
    scale = _root_mean_square(x)
    width = x.shape[1]

    def loss(flat):
        kernel, offset = _parts(flat, (width, classes), (classes,))
        cross_entropy, slopes = _cross_entropy(x @ (kernel / scale) + bias * offset, y)
        d_kernel = x.T @ (slopes / scale) + l2 * kernel
        return _joined(
            cross_entropy + l2 / 2 * (kernel**2).sum(), d_kernel, bias * slopes.sum(axis=0)
        )

    flat = _minimum(loss, np.zeros((width + 1) * classes), iterations)
    kernel, offset = _parts(flat, (width, classes), (classes,))
    return kernel / scale, offset


def fit_pooling(
    tokens: Array,
    y: Array,
    classes: int,
    mask: Array | None = None,
    l2: float = 1e-3,
    iterations: int = 60,
) -> Array:
    """Fits the score of sequence pooling, together with a classifier that is discarded.

    The optimisation starts with equal weights for all tokens.

    Args:
        tokens: (n, T, features).
        y, classes, l2: as in `fit_classifier`; the score has the same penalty.
        mask: (n, T) Boolean, False where a token is padding; None: no token is padding.
        iterations: largest number of L-BFGS steps, small because the problem is not convex.

    Returns:
        The score (features,), float32: token t gets the weight softmax_t(score . x_t).
    """
    n, _, width = tokens.shape
    scale = _root_mean_square(tokens, mask)

    def loss(flat):
        score, kernel = _parts(flat, (width,), (width, classes))
        total = l2 / 2 * float((score**2).sum() + (kernel**2).sum())
        d_score, d_kernel = l2 * score, l2 * kernel
        for start in range(0, n, CHUNK):
            x = tokens[start : start + CHUNK] / scale  # (B, T, features)
            part = len(x) / n
            counted = None if mask is None else mask[start : start + CHUNK]
            weights = token_weights(x, score, counted)  # (B, T)
            pooled = pool(x, weights)
            cross_entropy, slopes = _cross_entropy(pooled @ kernel, y[start : start + CHUNK])
            total += part * cross_entropy
            d_kernel = d_kernel + part * pooled.T @ slopes
            # Softmax: d/ds_t = weight_t * (x_t - pooled) . d/dpooled
            d_pooled = part * slopes @ kernel.T  # (B, features)
            along = np.matmul(x, d_pooled[:, :, None])[..., 0]  # (B, T)
            along -= (pooled * d_pooled).sum(axis=1, keepdims=True)
            d_score = d_score + (weights * along).ravel() @ x.reshape(-1, width)
        return _joined(total, d_score, d_kernel)

    flat = _minimum(loss, np.zeros(width + width * classes), iterations)
    return _parts(flat, (width,), (width, classes))[0] / scale


def token_weights(x: Array, score: Array, mask: Array | None = None) -> Array:
    """Returns the weights of the tokens (B, T), which sum to 1 over T.

    Args:
        x: (B, T, features).
        score: (features,).
        mask: (B, T) Boolean; a token has weight 0 where it is False.
    """
    return _softmax(_masked(x @ score, mask), axis=1)


def unit_token_weights(x: Array, score: Array, mask: Array | None = None) -> Array:
    """Returns the weights (B, T, U) that each unit of x (B, T, U, H) gives to the tokens.

    They are the `token_weights` if all other units were zero.
    """
    scores = (x * score.reshape(x.shape[2:])).sum(axis=-1)  # (B, T, U)
    return _softmax(_masked(scores, None if mask is None else mask[:, :, None]), axis=1)


def mean_weights(mask: Array) -> Array:
    """Returns equal weights (B, T) that sum to 1, and 0 where the mask (B, T) is False."""
    return (mask / mask.sum(axis=1, keepdims=True)).astype("float32")


def pool(x: Array, weights: Array) -> Array:
    """Sums the tokens of x (B, T, features) with weights (B, T): (B, features)."""
    return np.matmul(weights[:, None, :], x)[:, 0]


def _masked(scores, mask):
    return scores if mask is None else np.where(mask, scores, -np.inf)


def _softmax(x, axis):
    x = np.exp(x - x.max(axis=axis, keepdims=True))
    return x / x.sum(axis=axis, keepdims=True)


def _cross_entropy(logits, y):
    """Returns the mean over the samples, and its gradient in the logits (n, C)."""
    probabilities = _softmax(logits, axis=1)
    rows = np.arange(len(y))
    loss = -float(np.log(np.maximum(probabilities[rows, y], 1e-30)).mean())
    probabilities[rows, y] -= 1
    return loss, probabilities / np.float32(len(y))


def _root_mean_square(x, mask=None):
    rows = x if mask is None else (row[counted] for row, counted in zip(x, mask, strict=True))
    square = np.mean([np.square(row, dtype="float32").mean() for row in rows])
    return np.float32(np.sqrt(square) or 1)


def _parts(flat, *shapes):
    """Splits a flat vector into float32 arrays of these shapes."""
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    pieces = np.split(flat.astype("float32"), ends[:-1])
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]


def _joined(loss, *gradients):
    return float(loss), np.concatenate([each.ravel() for each in gradients]).astype("float64")


def _minimum(loss, start, iterations):
    from scipy.optimize import (
        minimize,
    )  # imported late: SciPy comes with scikit-learn, which is optional

    options = {"maxiter": iterations, "maxfun": 2 * iterations}
    return minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
