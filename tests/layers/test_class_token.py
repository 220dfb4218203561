"""ClassToken and FirstToken."""

import numpy as np

from cctzoo.layers import ClassToken, FirstToken
from tests.layers.contract import array, check_layer, random_array, randomise


def test_contract(tmp_path):
    check_layer(ClassToken, {}, (3, 7, 5), (3, 8, 5), tmp_path)


def test_contract_of_first_token(tmp_path):
    check_layer(FirstToken, {}, (3, 7, 5), (3, 5), tmp_path)


def test_token_is_prepended_and_initially_zero():
    layer, x = ClassToken(), random_array(3, 7, 5)
    outputs = array(layer(x))
    assert not outputs[:, 0].any()
    np.testing.assert_array_equal(outputs[:, 1:], x)
    randomise(layer)
    token = array(FirstToken()(layer(x)))
    np.testing.assert_array_equal(token, np.repeat(array(layer.token)[0], 3, axis=0))
