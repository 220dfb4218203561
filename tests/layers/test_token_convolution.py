"""TokenConvolution, alone and in an EncoderBlock, against NumPy."""

import numpy as np
import pytest
from keras import ops

from cctzoo.layers import EncoderBlock, TokenConvolution
from tests.layers import reference
from tests.layers.contract import array, check_layer, random_array, randomise

B, C = 2, 5
GRIDS = [(3, 4), (7,), (1, 1)]


def numpy_convolution(x, kernel, gamma, beta, mean, variance, grid):
    """x (B, T, C) and, for each token, the neighbours of its place on the grid, one by one."""
    height, width = (*grid, 1)[:2]
    shape, x = x.shape, x.reshape(-1, height, width, x.shape[-1])
    out = np.zeros_like(x)
    for i in range(height):
        for j in range(width):
            for di in (-1, 0, 1):
                for dj in (-1, 0, 1) if len(grid) == 2 else (0,):
                    if 0 <= i + di < height and 0 <= j + dj < width:
                        weights = kernel[1 + di, dj + kernel.shape[1] // 2, :, 0]
                        out[:, i, j] += weights * x[:, i + di, j + dj]
    if mean is None:
        mean, variance = out.mean((0, 1, 2)), out.var((0, 1, 2))
    out = (out - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    return (x + out).reshape(shape)


@pytest.mark.parametrize("grid", GRIDS)
def test_contract(grid, tmp_path):
    shape = (B, int(np.prod(grid)), C)
    check_layer(TokenConvolution, {"grid": grid}, shape, shape, tmp_path)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("masked", [False, True])
def test_equals_numpy(grid, masked):
    tokens = int(np.prod(grid))
    layer, x = TokenConvolution(grid), random_array(B, tokens, C)
    layer.build(x.shape)
    randomise(layer)
    mask = np.arange(tokens) < np.array([[tokens - 1], [max(1, tokens // 2)]]) if masked else None
    seen = x * mask[..., None] if masked else x
    kernel, gamma, beta, *moving = layer.get_weights()
    for training, statistics in ((False, moving), (True, (None, None))):
        outputs = array(layer(x, mask=mask, training=training))
        expected = numpy_convolution(seen, kernel, gamma, beta, *statistics, grid)
        np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


def test_a_block_equals_numpy():
    block = EncoderBlock(3, 2, mlp_kind="depthwise", grid=(3, 4))
    x = random_array(B, 12, 6)
    block(x)
    randomise(block)
    attended = array(block.attention(array(block.attention_norm(x))))
    stream = array(block.mlp_norm(x + attended))
    hidden = stream @ block.expand.get_weights()[0] + block.expand.get_weights()[1]
    hidden = numpy_convolution(hidden, *block.convolution.get_weights(), (3, 4))
    kernel, bias = block.contract.get_weights()
    expected = stream + reference.gelu(hidden) @ kernel + bias
    np.testing.assert_allclose(array(block(x)), expected, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: TokenConvolution((2, 2))(x), r"grid=\(2, 2\), tokens=6"),
        (lambda x: TokenConvolution((1, 2, 3))(x), r"grid=\(1, 2, 3\), tokens=6"),
        (lambda x: TokenConvolution((6,))(x, mask=ops.ones((B, 6, 6), "bool")), r"\(2, 6, 6\)"),
        (lambda x: EncoderBlock(1, mlp_kind="depthwise")(x), "grid=None"),
        (lambda x: EncoderBlock(1, mlp_kind="conv")(x), "mlp_kind='conv'"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make(random_array(B, 6, C))
