"""The machine that a figure was measured on, and limits of its threads and memory."""

import collections
import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

STATUS = Path("/proc/self/status")  # Linux


def processor() -> str:
    """The processor's name; Python's own `platform.processor` is empty on most Linux systems."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def machine_name(backend: str | None = None) -> str:
    """The processor's name, its number of cores, and the accelerators that a backend sees.

    Args:
        backend: `"jax"`, `"tensorflow"` or `"torch"`. Default: accelerators are not named.
    """
    counts = collections.Counter(accelerators(backend) if backend else ())
    names = [name if count == 1 else f"{count} x {name}" for name, count in counts.items()]
    return ", ".join([processor(), f"{os.cpu_count()} cores", *names])


def accelerators(backend: str) -> list[str]:
    """The names of the accelerators that a backend sees, e.g. `["NVIDIA H200"]`."""
    if backend == "jax":
        import jax

        return [device.device_kind for device in jax.local_devices() if device.platform != "cpu"]
    if backend == "torch":
        import torch

        return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    import tensorflow as tf

    describe = tf.config.experimental.get_device_details  # on some platforms without a name
    gpus = tf.config.list_physical_devices("GPU")
    return [describe(gpu).get("device_name", gpu.name) for gpu in gpus]


def installed_versions(packages: Iterable[str]) -> dict[str, str]:
    """Package -> version, for the packages that are installed."""
    versions = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def limit_threads(threads: int, parallel_operators: int | None = None) -> None:
    """Limits this process to a number of cores.

    Call it before the first computation, and after the import of TensorFlow or PyTorch.

    Args:
        threads: cores that the process may use, and threads of one operator.
        parallel_operators: operators that TensorFlow may run at once. Default: `threads`.
    """
    if hasattr(os, "sched_setaffinity"):  # Linux; the only limit for JAX, which has no setting
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    if "torch" in sys.modules:  # PyTorch counts the cores when it is imported
        sys.modules["torch"].set_num_threads(threads)
    if "tensorflow" in sys.modules:
        tf = sys.modules["tensorflow"]
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(parallel_operators or threads)


def resident_memory() -> int:
    """Bytes of memory that this process holds (Linux)."""
    return _status_bytes("VmRSS")


def peak_memory() -> int:
    """Most bytes that this process held since its start or `reset_peak_memory` (Linux)."""
    return _status_bytes("VmHWM")


def reset_peak_memory() -> None:
    """Sets the peak to the memory that this process holds now (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def _status_bytes(field):
    return 1024 * int(STATUS.read_text().split(f"{field}:")[1].split()[0])  # the file counts in KiB
