"""SavedModels from elsewhere do not run operators that read, write or call."""

import numpy as np
import pytest

from cctzoo import runtimes
from cctzoo.formats.saved_model import check_operators

pytestmark = pytest.mark.one_backend("tensorflow")


def save(folder, serve):
    """Saves a SavedModel whose signature `serve` computes and does something else."""
    import tensorflow as tf

    module = tf.Module()
    spec = tf.TensorSpec([None, 8, 8, 3], tf.float32, name="image")
    module.serve = tf.function(serve, input_signature=[spec])
    tf.saved_model.save(module, str(folder), signatures={"serve": module.serve})


@pytest.mark.parametrize("hidden", [False, True])
def test_operators_that_write_are_refused(tmp_path, hidden):
    import tensorflow as tf

    target = tmp_path / "executed"

    def write(image):
        tf.io.write_file(str(target), "x")
        return {"out": tf.reduce_sum(image, axis=[1, 2])}

    inner = tf.function(write)
    save(tmp_path / "model", (lambda image: inner(image)) if hidden else write)
    with pytest.raises(ValueError, match=r"only operators that compute.*WriteFile"):
        runtimes.load_runner(tmp_path / "model")
    assert not target.exists()


def test_branches_and_python_are_checked(tmp_path):
    import tensorflow as tf

    def serve(image):
        def read():
            return tf.strings.length(tf.io.read_file("/etc/hostname"))

        return {"out": tf.cond(tf.reduce_sum(image) > 0, read, lambda: tf.constant(0))}

    save(tmp_path / "branch", serve)
    with pytest.raises(ValueError, match=r"If.*ReadFile"):
        check_operators(tmp_path / "branch")
    save(tmp_path / "python", lambda image: {"out": tf.numpy_function(np.abs, [image], tf.float32)})
    with pytest.raises(ValueError, match="PyFunc"):
        check_operators(tmp_path / "python")


@pytest.mark.parametrize("content", [b"", b"no graph", b"\x08\x01"])
def test_broken_graphs_are_refused(tmp_path, content):
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(ValueError, match=r"`path` must be the graph of a SavedModel.*saved_model"):
        runtimes.load_runner(tmp_path)
