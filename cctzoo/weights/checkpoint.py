"""PyTorch checkpoints of the authors' layout: into a model, and out of it."""

from pathlib import Path

from cctzoo.formats.safetensors import open_safetensors, write_safetensors
from cctzoo.formats.torch_file import open_torch_file, write_torch_file
from cctzoo.models.quantised import is_quantised
from cctzoo.weights.pytorch import load_state_dict, state_dict

# Where training scripts put the state dict beside other things; the first that is there is
# taken. timm keeps the averaged weights, whose accuracy it reports, as `state_dict_ema`.
WRAPPERS = ("state_dict_ema", "state_dict", "model")
PREFIXES = ("module.", "_orig_mod.")  # of DataParallel and of torch.compile


def load_pytorch_checkpoint(model, path, *, grid=None, strict=True):
    """Fills a model from a PyTorch checkpoint in the authors' layout; wholly or not at all.

    PyTorch is not needed, and no code in the file can run. The state dict may lie under
    `state_dict_ema`, `state_dict` or `model`, and its keys may start with `module.`.

    Adapted, and said in one line each: positions of another grid are resized bilinearly; a
    classifier for other classes stays fresh; a first kernel for other channels is summed over
    them (one channel) or repeated and scaled; the classifier's and pooling's weights are left
    out for a model without top. Of a text's learned positions the first are taken, if the
    file has more. The number of heads is not in the file: it has to be right.

    Args:
        model: a `CCT` that the layout can describe, see `state_dict_keys`.
        path: a zip checkpoint of PyTorch 1.6 or later, or a `.safetensors` file.
        grid: (height, width) of the positions in the file, of images. Default: a square.
        strict: False leaves the model's weights alone that the file does not have and the
            file's that the model does not have, and says which.

    Raises:
        ValueError: for a broken file, or one that holds anything but tensors and containers;
            listing every missing, unexpected and misshapen key.
    """
    check_file(path)
    if Path(path).suffix == ".safetensors":
        with open_safetensors(path) as (state, _):
            load_state_dict(model, _unprefixed(state), grid=grid, strict=strict)
        return
    with open_torch_file(path) as values:
        load_state_dict(model, _unwrapped(values, path), grid=grid, strict=strict)


def save_pytorch_checkpoint(model, path):
    """Writes a model's weights in the authors' layout, in float32, for PyTorch code.

    Args:
        model: a `CCT` that the layout can describe, see `state_dict_keys`.
        path: ends with `.pth` or `.pt`, for a file that `torch.load(path, weights_only=True)`
            reads (PyTorch is not needed to write it), or with `.safetensors`.

    Raises:
        ValueError: for a model that the layout cannot describe, or another suffix.
    """
    writers = {".pth": write_torch_file, ".pt": write_torch_file, ".safetensors": _write}
    if Path(path).suffix not in writers:
        raise ValueError(
            f"`path` must end with one of {', '.join(writers)}. Received: path={str(path)!r}"
        )
    if is_quantised(model):
        raise ValueError(
            "A quantised model has no weights in float32. "
            f"Received: the model {model.name!r}, quantised"
        )
    writers[Path(path).suffix](state_dict(model), path)


def check_file(path):
    """Raises ValueError unless there is such a file."""
    if not Path(path).is_file():
        raise ValueError(f"`path` must be a file that exists. Received: path={str(path)!r}")


def _write(state, path):
    write_safetensors(state, path, {"format": "pt"})


def _unwrapped(values, path):
    """The state dict, a dict of arrays by key, in what a checkpoint holds."""
    state = values
    if isinstance(state, dict):
        wrapper = next((word for word in WRAPPERS if isinstance(state.get(word), dict)), None)
        state = state if wrapper is None else state[wrapper]
    if not isinstance(state, dict) or not state or not all(map(_is_entry, state.items())):
        raise ValueError(
            "A checkpoint must hold a dict of tensors by key, be it under one of "
            f"{', '.join(WRAPPERS)}. Received: path={str(path)!r}, which does not"
        )
    return _unprefixed(state)


def _is_entry(item):
    key, value = item
    return isinstance(key, str) and isinstance(getattr(value, "shape", None), tuple)


def _unprefixed(state):
    for prefix in PREFIXES:
        if state and all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): array for key, array in state.items()}
    return state
