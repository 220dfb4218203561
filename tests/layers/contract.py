"""What every layer promises, checked in one place."""

import keras
import numpy as np
from keras import ops


def check_layer(layer_class, options, input_shape, output_shape, tmp_path, no_gradient=()):
    """Shapes, config, saving, mixed precision and gradients of a layer of one input.

    Args:
        layer_class, options: the layer is `layer_class(**options)`.
        input_shape, output_shape: concrete, with the batch in front.
        tmp_path: folder for the saved model.
        no_gradient: paths' last two parts of weights that the output does not depend on.
    """
    x = random_array(*input_shape)
    layer = layer_class(**options)
    assert layer(x).shape == output_shape
    randomise(layer)
    outputs = array(layer(x))
    assert np.isfinite(outputs).all()

    symbolic = layer_class(**options)(keras.Input(input_shape[1:]))
    assert symbolic.shape == (None, *output_shape[1:])

    clone = layer_class.from_config(layer.get_config())
    clone.build(input_shape)
    clone.set_weights(layer.get_weights())
    assert clone.get_config() == layer.get_config()
    np.testing.assert_array_equal(array(clone(x)), outputs)

    model = keras.Sequential([keras.Input(input_shape[1:]), layer])
    model.save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    np.testing.assert_allclose(array(loaded(x)), outputs, rtol=1e-6, atol=1e-6)

    policies = {"mixed_bfloat16": "float32", "bfloat16": "bfloat16"}
    if keras.backend.backend() == "jax":
        del policies["bfloat16"]  # JAX compiles each operation, and nothing there is special
    for policy, stored in policies.items():
        half = layer_class(**options, dtype=policy)
        low = half(x)
        assert keras.backend.standardize_dtype(low.dtype) == "bfloat16"
        assert np.isfinite(array(low)).all()
        assert {variable.dtype for variable in half.trainable_variables} <= {stored}

    for variable, gradient in zip(
        model.trainable_variables, gradients(model, x, random_array(*output_shape)), strict=True
    ):
        depends = "/".join(variable.path.split("/")[-2:]) not in no_gradient
        assert (np.abs(array(gradient)).max() > 1e-5) == depends, variable.path


def gradients(model, x, upstream):
    """Of sum(upstream * model(x)) in training, one per trainable variable."""
    if not model.trainable_variables:
        return []
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        def loss(trainable):
            state = [variable.value for variable in model.non_trainable_variables]
            outputs, _ = model.stateless_call(trainable, state, x, training=True)
            return ops.sum(outputs * upstream)

        return jax.jit(jax.grad(loss))([variable.value for variable in model.trainable_variables])
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = ops.sum(model(x, training=True) * upstream)
        return tape.gradient(loss, model.trainable_variables)
    ops.sum(model(x, training=True) * ops.convert_to_tensor(upstream)).backward()
    return [variable.value.grad for variable in model.trainable_variables]


def randomise(layer):
    """Random values for every weight: what starts at 0 or 1 would hide mistakes."""
    rng = np.random.default_rng(1)
    for weight in layer.weights:
        if len(weight.shape) == 1:  # biases, norms' scales, variances
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        else:
            weight.assign(rng.standard_normal(weight.shape) * 0.5)


def random_array(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def array(tensor):
    """A tensor of any backend and dtype as a float32 array."""
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))
