"""Stopping at a loss that is not finite."""

import keras
import numpy as np

from cctzoo.training.fit import StopAtNaN


def test_loss_is_read_after_every_step():
    """`async_safe` is not documented by Keras: the callback must still see every loss."""
    seen = []

    class Recorder(StopAtNaN):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(float(logs["loss"]))
            super().on_train_batch_end(batch, logs)

    x = np.arange(12.0, dtype="float32")[:, None]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    guard = Recorder()
    model.fit(x, x, batch_size=3, verbose=0, callbacks=[guard])
    assert len(seen) == 4
    assert np.all(np.isfinite(seen))
    assert guard.step is None
    x[6:] = np.inf
    # On JAX, the thread must not touch the state of the model, which the next step has donated.
    model.fit(x, x, batch_size=3, shuffle=False, epochs=2, verbose=0, callbacks=[guard])
    assert guard.step == 2


def test_the_first_step_counts_whatever_the_order_of_the_calls():
    guard = StopAtNaN()
    guard.set_model(keras.Sequential([keras.layers.Dense(1)]))
    for batch, loss in [(1, 0.5), (3, np.nan), (2, np.inf)]:
        guard.on_train_batch_end(batch, {"loss": loss})
    assert guard.step == 2
