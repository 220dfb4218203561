"""The probe: sequence pooling and a linear classifier on frozen features."""

import dataclasses

import numpy as np

CHUNK = 16  # images whose tokens are worked on at once: 4 MB at 256 tokens of width 256


@dataclasses.dataclass(frozen=True, eq=False)
class Probe:
    """What reads the labels off a block's features.

    Args:
        kernel: (features, C).
        bias: (C,), zeros without one.
        score: (features,), which sequence pooling gives each token its weight by; None where
            the weights come from elsewhere. (Its bias would add the same to all tokens.)
    """

    kernel: np.ndarray
    bias: np.ndarray
    score: np.ndarray | None = None

    def __call__(self, pooled):
        """(n, features) -> logits (n, C)."""
        return pooled @ self.kernel + self.bias


def fit_classifier(x, y, classes, l2=1e-3, bias=False, iterations=300):
    """The linear classifier of least cross-entropy plus l2 / 2 times its squared weights.

    The problem is convex and has one solution, so that neither order nor seed nor backend has
    a say. The features are divided by one number, their root mean square, before the penalty
    counts. The penalty also settles what cross-entropy leaves open: without a bias the
    weights of a feature sum to 0 over the classes.

    Args:
        x: (n, features).
        y: (n,) integers.
        classes: number of classes.
        l2: positive.
        bias: whether to add one, without penalty.
        iterations: most steps of L-BFGS.

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


def fit_pooling(tokens, y, classes, mask=None, l2=1e-3, iterations=60):
    """The scores of sequence pooling, trained together with a classifier that is thrown away.

    Starts from equal weights for all tokens.

    Args:
        tokens: (n, T, features).
        y, classes, l2: as in `fit_classifier`; the penalty is on the scores too.
        mask: (n, T) Boolean, True where a token counts; None: everywhere.
        iterations: of L-BFGS, few on purpose: the problem is not convex.

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


def token_weights(x, score, mask=None):
    """(B, T, features) and (features,) -> weights (B, T), summing to 1 over the tokens.

    They are 0 where the mask (B, T) is False.
    """
    return _softmax(_masked(x @ score, mask), axis=1)


def unit_token_weights(x, score, mask=None):
    """The weights that each unit would give on its own: (B, T, U, H) -> (B, T, U)."""
    scores = (x * score.reshape(x.shape[2:])).sum(axis=-1)  # (B, T, U)
    return _softmax(_masked(scores, None if mask is None else mask[:, :, None]), axis=1)


def mean_weights(mask):
    """Equal weights for the tokens that count: (B, T) Boolean -> (B, T), summing to 1."""
    return (mask / mask.sum(axis=1, keepdims=True)).astype("float32")


def pool(x, weights):
    """(B, T, features) by (B, T) -> (B, features)."""
    return np.matmul(weights[:, None, :], x)[:, 0]


def _masked(scores, mask):
    return scores if mask is None else np.where(mask, scores, -np.inf)


def _softmax(x, axis):
    x = np.exp(x - x.max(axis=axis, keepdims=True))
    return x / x.sum(axis=axis, keepdims=True)


def _cross_entropy(logits, y):
    """The mean over the samples, and its gradient (n, C)."""
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
    """A flat vector as float32 arrays of these shapes."""
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    pieces = np.split(flat.astype("float32"), ends[:-1])
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]


def _joined(loss, *gradients):
    return float(loss), np.concatenate([each.ravel() for each in gradients]).astype("float64")


def _minimum(loss, start, iterations):
    from scipy.optimize import minimize  # not before: scikit-learn's, an optional package

    options = {"maxiter": iterations, "maxfun": 2 * iterations}
    return minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
