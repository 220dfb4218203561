"""The machine that a run reports names the accelerators that its backend sees."""

import os
import types

import keras
import pytest

from cctzoo.machine import accelerators, machine_name, processor

BACKEND = keras.backend.backend()


def pretend_gpus(monkeypatch, *names):
    """The backend sees a processor and some GPUs."""
    if BACKEND == "jax":
        import jax

        gpus = [types.SimpleNamespace(platform="gpu", device_kind=name) for name in names]
        monkeypatch.setattr(jax, "local_devices", lambda: [*jax.devices("cpu"), *gpus])
    elif BACKEND == "torch":
        import torch

        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(names))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: names[index])
    else:
        import tensorflow as tf

        gpus = [types.SimpleNamespace(name=name) for name in names]
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
        monkeypatch.setattr(
            tf.config.experimental, "get_device_details", lambda gpu: {"device_name": gpu.name}
        )


@pytest.mark.parametrize(
    ("gpus", "ending"),
    [
        ([], ""),
        (["NVIDIA H200"], ", NVIDIA H200"),
        (["NVIDIA L4", "NVIDIA H200", "NVIDIA L4"], ", 2 x NVIDIA L4, NVIDIA H200"),
    ],
)
def test_accelerators_are_named(monkeypatch, gpus, ending):
    pretend_gpus(monkeypatch, *gpus)
    assert accelerators(BACKEND) == gpus
    assert machine_name(BACKEND) == f"{processor()}, {os.cpu_count()} cores{ending}"


def test_without_a_backend():
    assert machine_name() == f"{processor()}, {os.cpu_count()} cores"
