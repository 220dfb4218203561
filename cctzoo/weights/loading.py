"""Loads weights of a given kind: files of our own, folders, PyTorch checkpoints."""

from pathlib import Path

from cctzoo.arguments import checked_arguments
from cctzoo.models.committee import SoftCommittee
from cctzoo.models.model import CCT
from cctzoo.typing import PathLike
from cctzoo.weights.address import is_address, parse_address
from cctzoo.weights.readers import (
    check_file,
    open_checkpoint,
    open_folder,
    open_safetensors_weights,
)
from cctzoo.weights.source import Source, open_address


@checked_arguments
def load_weights(model: CCT | SoftCommittee, path: PathLike) -> None:
    """Loads a file that describes its model into a model; either all weights are loaded or none.

    Such files are written by `save_weights`, and by `save_pytorch_checkpoint` as `.safetensors`.

    Weights that depend on the image size, the channels, the length or the classes are adapted,
    and each adaptation is logged, as in `load_pytorch_checkpoint`. Between committees nothing is
    adapted.

    Raises:
        ValueError: if the file is broken, or its model differs in other fields.
    """
    with _open_native(path) as source:
        source.load_into(model)


@checked_arguments
def load_model(path: PathLike, dtype: str | None = None) -> CCT | SoftCommittee:
    """Builds the model that a file or a folder describes, and loads its weights.

    At an address, only `config.json` and `model.safetensors` are downloaded, into a cache. See
    the guide on weights for what is checked.

    Args:
        path: of a file of `save_weights`; of a `.safetensors` file of `save_pytorch_checkpoint`;
            of a folder of `save_to_folder`; or its address: `hf://user/name` or
            `hf://user/name@REVISION` on the Hugging Face Hub (extra `hub`), or the URL
            `https://host/path/`.
        dtype: policy, e.g. `"mixed_bfloat16"`. Default: Keras' global policy.

    Raises:
        ValueError: if the file is broken, or does not describe its model; for an address, if
            there is no model of cctzoo, or access is refused.
        ModuleNotFoundError: if the address needs the extra `hub`, which is not installed.
        OSError: if the folder cannot be downloaded.
    """
    is_folder = is_address(path) or Path(path).is_dir()
    with _open_folder(path) if is_folder else _open_native(path) as source:
        return source.build(dtype=dtype)


@checked_arguments
def load_from_folder(path: PathLike, dtype: str | None = None) -> CCT | SoftCommittee:
    """Builds the model of a folder of `save_to_folder`, and loads its weights.

    The files may come from an untrusted source: nothing in them is executed, and a config that
    requires more weights than the folder holds is refused before a model is built.

    Args:
        path: of the folder, or its address as in `load_model`.
        dtype: policy, e.g. `"mixed_bfloat16"`. Default: Keras' global policy.

    Raises:
        ValueError, ModuleNotFoundError, OSError: as in `load_model`; ValueError also if a file
            is missing, or if the files do not match.
    """
    with _open_folder(path) as source:
        return source.build(dtype=dtype)


@checked_arguments
def load_pytorch_checkpoint(
    model: CCT, path: PathLike, *, grid: tuple[int, int] | None = None, strict: bool = True
) -> None:
    """Loads a PyTorch checkpoint in the authors' layout; either all weights are loaded or none.

    PyTorch is not needed, and no code in the file is executed: objects of other kinds than
    tensors and containers are skipped. The state dict may be stored under any name and at any
    depth; if several fit the model, `state_dict_ema`, `model_ema`, `state_dict`, `model` and other
    usual names decide. A prefix that all keys of the model have, e.g. `module._orig_mod.`, is
    removed.

    Weights are adapted to the model as follows, and each adaptation is logged:

    - The position embedding of another image size is resized bilinearly; that of a longer text
      is cut.
    - A first kernel for other channels is summed over them (for one channel), or repeated and
      scaled.
    - A classifier for other classes keeps its fresh weights.
    - The weights of the classifier and of the pooling are skipped if the model has no top.

    A `.pth` or `.pt` file contains neither the number of heads nor the statistics of the pixels:
    the model must have the right ones, and one line of the log says which are used.

    Args:
        model: a `CCT` that the layout has keys for, see `state_dict_keys`.
        path: a zip checkpoint of PyTorch 1.6 or later, or a `.safetensors` file.
        grid: (height, width) of the position embedding in the file, for images. Default: a
            square.
        strict: if False, weights that the file does not have keep their values, weights that
            the model does not have are ignored, and both are logged.

    Raises:
        ValueError: if the file is broken, has no state dict or several that could be meant, or
            describes another model; listing every missing, unexpected and misshapen key.

    Example:
        ```python
        from cctzoo import models, weights

        weights.save_pytorch_checkpoint(models.cct_2_3x2_32(classes=100), "checkpoint.pth")
        model = models.cct_2_3x2_32(classes=5, input_shape=(48, 48, 3))
        weights.load_pytorch_checkpoint(model, "checkpoint.pth")  # with a fresh classifier
        ```
    """
    check_file(path)
    is_safetensors = Path(path).suffix == ".safetensors"
    reader = open_safetensors_weights if is_safetensors else open_checkpoint
    with Source(Path(path), reader) as source:
        if source.open().arrays is not None:
            raise ValueError(
                "`path` must be a checkpoint in the authors' layout; for a file of "
                f"`save_weights` use `load_weights`. Received: path={str(path)!r}"
            )
        source.load_into(model, grid=grid, strict=strict)


def _open_folder(path):
    address = parse_address(path)
    return Source(Path(path), open_folder) if address is None else open_address(address)


def _open_native(path):
    check_file(path)
    source = Source(Path(path), open_safetensors_weights)
    if source.open().description is None:
        source.close()
        raise ValueError(
            "`path` must be a file that describes its model, e.g. a file of `save_weights`. "
            f"Received: path={str(path)!r}, without a description"
        )
    return source
