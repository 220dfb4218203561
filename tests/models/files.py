"""What every option of the architecture promises about files."""

import numpy as np

import cctzoo
from cctzoo import weights
from tests.models.small import images, predict


def check_files(model, folder, layers):
    """Files give the same model again, and one for larger images with the weights of `layers`.

    Returns:
        The path of a file with the weights.
    """
    x = images(model)
    expected = predict(model, x)
    path = folder / "a.safetensors"
    model.save(folder / "a.keras")
    weights.save_weights(model, path)
    for file in (folder / "a.keras", path):
        np.testing.assert_allclose(predict(cctzoo.load_model(file), x), expected, atol=1e-6)
    with weights.open_weights(path) as source:
        larger = source.build(input_shape=(40, 24, 3))
    assert np.isfinite(predict(larger, images(larger))).all()
    for name in layers:
        pairs = zip(
            larger.get_layer(name).get_weights(), model.get_layer(name).get_weights(), strict=True
        )
        for one, other in pairs:
            np.testing.assert_array_equal(one, other)
    return path
