"""Messages of native libraries: the noise is dropped, everything else arrives."""

import os

import pytest

from cctzoo.quiet import without_noise

pytestmark = pytest.mark.one_backend("torch")

NOISE = b"""WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795733358.755841    1120 port.cc:153] oneDNN custom operations are on.
I0000 00:00:1795733358.756588    1120 cudart_stub.cc:31] Could not find cuda drivers on your machine
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
"""
REST = b"E0000 00:00:1.5 1120 file.cc:3] a real error\nno newline at the end"


def test_only_noise_is_dropped(capfd):
    with without_noise():
        os.write(2, NOISE + REST)
    os.write(2, b", and after")
    assert capfd.readouterr().err == REST.decode() + ", and after"


def test_an_error_keeps_the_messages(capfd):
    def fail():
        with without_noise():
            os.write(2, NOISE + REST)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert capfd.readouterr().err == REST.decode()
