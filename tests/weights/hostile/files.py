"""All hostile files."""

from tests.weights.hostile.archives import archives
from tests.weights.hostile.calls import calls
from tests.weights.hostile.safetensors import safetensors
from tests.weights.hostile.streams import streams
from tests.weights.hostile.tensors import tensors


def files(sound, mark):
    """Yields (fault, bytes, suffix, part of the error message) of every file.

    Args:
        sound: bytes of a sound `.pth`.
        mark: a path that calls in the files would create.
    """
    yield from calls(sound, mark)
    yield from streams(sound)
    yield from tensors(sound)
    yield from archives(sound)
    yield from safetensors()
