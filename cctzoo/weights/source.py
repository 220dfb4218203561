"""Models that start from trained weights: what `weights=` and `start_from` mean."""

from pathlib import Path

import keras

from cctzoo.models.model import CCT
from cctzoo.models.variants import variant_config
from cctzoo.weights.checkpoint import load_pytorch_checkpoint
from cctzoo.weights.description import check_same
from cctzoo.weights.download import fetch
from cctzoo.weights.folder import load_from_folder
from cctzoo.weights.native import is_native, load_model, load_weights
from cctzoo.weights.registry import find

SUFFIXES = (".pth", ".pt", ".safetensors", ".weights.h5", ".keras")


def is_path(weights):
    """Whether it is meant as the path of a file or a folder, not as a tag."""
    if isinstance(weights, Path):
        return True
    return str(weights).endswith(SUFFIXES) or "/" in str(weights) or "\\" in str(weights)


def build_with_weights(variant, weights, name, dtype, changes):
    """What `create_model` does where `weights` are given; its arguments and errors.

    With a tag, the defaults are those that the weights were trained for, not the variant's.
    """
    if is_path(weights):
        check_path(weights)
        config, path = variant_config(variant, **changes), weights
    else:
        row = find(weights, variant)
        config, path = row.config(**changes), None
        check_same(row.config(), config, f"The weights {row.tag!r}")
        path = fetch(row.tag)
    model = CCT(config, name=name or variant, dtype=dtype)
    fill(model, path)
    return model


def fill(model, path):
    """Loads a file of any kind that `SUFFIXES` names."""
    suffix = Path(path).suffix
    if suffix in (".h5", ".keras"):
        model.load_weights(path)
    elif suffix == ".safetensors" and is_native(path):
        load_weights(model, path)
    else:
        load_pytorch_checkpoint(model, path)


def check_path(path):
    """Raises ValueError unless `path` is a file that `fill` reads."""
    if not str(path).endswith(SUFFIXES):
        raise ValueError(
            f"`weights` must be a tag or the path of a {', '.join(SUFFIXES[:-1])} or "
            f"{SUFFIXES[-1]} file. Received: weights={str(path)!r}"
        )
    if not Path(path).is_file():
        raise ValueError(f"`weights` must be a file that exists. Received: weights={str(path)!r}")


def trained_model(start, model=None):
    """The model that a run starts from, where the start says what model it is.

    Args:
        start: a `.keras` file, a `.safetensors` file of `save_weights`, a folder of
            `save_to_folder`, or a tag, for a `name` alone of the weights of `model`.
        model: a name of `models.create_model`.

    Returns:
        A `CCT`, or None for a file that holds nothing but weights: a PyTorch checkpoint.

    Raises:
        ValueError: for an unknown tag, a path that is not there, or weights that are not
            those of a `CCT`.
    """
    if not is_path(start) and not Path(start).exists():
        row = find(start, None if "." in start else model)
        found = CCT(row.config(), name=row.model)
        fill(found, fetch(row.tag))
    elif Path(start).is_dir():
        found = load_from_folder(start)
    elif str(start).endswith(".keras"):
        found = keras.saving.load_model(start, compile=False)
    elif str(start).endswith(".safetensors") and is_native(start):
        found = load_model(start)
    else:
        return None
    if not isinstance(found, CCT):
        raise ValueError(
            f"A run must start from a `CCT`. Received: start_from={str(start)!r}, a "
            f"{type(found).__name__}"
        )
    return found


def check_start(start, model):
    """Raises ValueError unless `start` is a tag, a folder, or a file that a run can start from."""
    if Path(start).is_dir():
        return
    if not is_path(start):
        find(start, None if "." in start else model)
    elif not str(start).endswith(SUFFIXES) or not Path(start).is_file():
        raise ValueError(
            "`start_from` must be a tag of trained weights, a folder of save_to_folder, or a "
            f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file that exists. "
            f"Received: start_from={start!r}"
        )
