"""Trained weights from anywhere, as one object that is opened and checked once."""

import contextlib
import dataclasses
import logging
from pathlib import Path
from typing import Any, Self

from cctzoo.arguments import checked_arguments
from cctzoo.models.committee import SoftCommittee
from cctzoo.models.model import CCT
from cctzoo.models.variants import Config, change_config
from cctzoo.typing import PathLike
from cctzoo.weights.address import Address, parse_address
from cctzoo.weights.compatibility import (
    check_committee,
    check_same,
    describe_assumptions,
    describe_fine_tuning,
)
from cctzoo.weights.description import build_described
from cctzoo.weights.download import fetch
from cctzoo.weights.hub import fetch_from_hub
from cctzoo.weights.keras_file import load_keras_weights
from cctzoo.weights.match import assign_arrays
from cctzoo.weights.names import TOP, variable_names
from cctzoo.weights.pytorch import load_state_dict, state_dict_keys
from cctzoo.weights.readers import READERS, Contents, Reader, open_folder
from cctzoo.weights.registry import WEIGHTS, TrainedWeights, tags_hint
from cctzoo.weights.state_dicts import choose_arrays
from cctzoo.weights.web import fetch_from_web

logger = logging.getLogger(__name__)


@checked_arguments
def open_weights(weights: PathLike, model: str | None = None) -> "Source":
    """Opens trained weights: a tag, a file, a folder, or the address of a folder.

    The weights of a tag that must be downloaded are opened when they are first needed, after
    the arguments of `Source.build` have been checked. A folder at an address is downloaded at
    once, unless it is in the cache.

    Args:
        weights: a tag of `list_weights()`; a folder of `save_to_folder`; its address,
            `hf://user/name` or `hf://user/name@REVISION` on the Hugging Face Hub (extra `hub`),
            or `https://host/path/`; a `.keras` file; a `.safetensors` file, our own or in the
            authors' layout; a `.pth` or `.pt` checkpoint in the authors' layout; or a
            `.weights.h5` file.
        model: a name of `models.create_model`, which completes a tag such as "cifar10".

    Returns:
        A `Source`; use it in a `with` block.

    Raises:
        ValueError: if there are no such weights, or the file is broken.
        ModuleNotFoundError: if the address needs the extra `hub`, which is not installed.
        OSError: if a folder cannot be downloaded.

    Example:
        ```python
        from cctzoo import weights

        with weights.open_weights("cct_2_3x2_32.digits") as source:
            print(source.config.input_shape)
            model = source.build(classes=4)
        ```
    """
    found = locate_weights(weights, model)
    if isinstance(found, Address):
        return open_address(found)
    row, path = (found, found.path) if isinstance(found, TrainedWeights) else (None, found)
    if path.is_dir():
        return Source(path, open_folder)
    (suffix,) = (suffix for suffix in READERS if path.name.endswith(suffix))
    return Source(path, READERS[suffix], row)


def open_address(address: Address) -> "Source":
    """Opens the folder at an address, which is downloaded if necessary.

    The address of the `Source` names the commit on the Hub, which never changes.
    """
    if address.repository is None:
        return Source(fetch_from_web(address), open_folder, address=address)
    folder = fetch_from_hub(address)
    address = dataclasses.replace(address, revision=folder.name)
    return Source(folder, open_folder, address=address)


def locate_weights(
    weights: PathLike, model: str | None = None, argument: str = "weights"
) -> TrainedWeights | Path | Address:
    """The registry row of a tag, the path of an existing file or folder, or a valid address.

    Nothing is downloaded: whether there is a folder at an address is not known.

    Args:
        weights: a tag of `list_weights()`; a tag without the model's name, if `model` is given;
            a folder of `save_to_folder` or its address; or a file with one of the suffixes in
            `READERS`.
        model: the model's name that completes a tag, e.g. "cifar10".
        argument: the name of the caller's argument, for the error message.

    Raises:
        ValueError: if there are no such weights.
    """
    if isinstance(weights, str):
        row = WEIGHTS.get(weights) or WEIGHTS.get(f"{model}.{weights}")
        if row is not None:
            return row
    if (address := parse_address(weights, argument)) is not None:
        return address
    path = Path(weights)
    if path.is_dir() or (path.is_file() and path.name.endswith(tuple(READERS))):
        return path
    *suffixes, last = READERS
    raise ValueError(
        f"`{argument}` must be the tag of trained weights, a folder of `save_to_folder`, its "
        f"address (hf://user/name or https://host/path/), or a {', '.join(suffixes)} or {last} "
        "file that exists. "
        f"{tags_hint(str(weights), model)} Received: {argument}={str(weights)!r}"
    )


class Source:
    """Opened weights, which build their own model or are loaded into a given one.

    Args:
        path: of the file or folder.
        reader: the function that opens it.
        row: the row of the registry, for the weights of a tag.
        address: where the folder at `path` was downloaded from.
    """

    def __init__(
        self,
        path: Path,
        reader: Reader,
        row: TrainedWeights | None = None,
        address: Address | None = None,
    ) -> None:
        self.path = path
        self.row = row
        self.address = address
        self._reader = reader
        self._stack = contextlib.ExitStack()
        self._contents = None
        if row is None or row.url is None:
            self.open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __str__(self) -> str:
        if self.row is not None:
            return f"The weights {self.row.tag!r}"
        return f"The weights in {str(self.address or self.path)!r}"

    def close(self) -> None:
        """Closes the file."""
        self._stack.close()

    def open(self) -> Contents:
        """The contents; downloads and opens the file if that has not been done yet."""
        if self._contents is None:
            path = fetch(self.row.tag) if self.row else self.path
            self._contents = self._stack.enter_context(self._reader(path))
        return self._contents

    @property
    def config(self) -> Config | None:
        """The config of the `CCT`; None for files that hold only weights, and for committees."""
        if self.row is not None and self.row.url is not None:
            return self.row.config
        _, description, configs, _ = self.open()
        return configs[0] if description and description["kind"] == "cct" else None

    @property
    def name(self) -> str | None:
        """The name of the model, if it is known."""
        if self.row is not None:
            return self.row.model
        description = self.open().description
        return None if description is None else description["name"]

    def build(
        self, name: str | None = None, dtype: str | None = None, **changes: Any
    ) -> CCT | SoftCommittee:
        """Builds the model of the weights and loads them.

        Args:
            name: of the Keras model. Default: the name that was saved.
            dtype: policy, e.g. `"mixed_bfloat16"`. Default: Keras' global policy.
            **changes: fields of the config to change, e.g. `classes=4`. The weights are adapted
                as in `load_pytorch_checkpoint`. For other channels, `mean` and `std` become the
                average over the old channels, unless they are given. For another `attention`
                or `activation`, the weights stay as they are, and a line of the log says so.

        Raises:
            ValueError: if the file holds only weights, or the weights do not fit the changes.
        """
        if self.config is None:
            return self._build_committee(name, dtype, changes)
        config = change_config(self.config, **_with_statistics(self.config, changes))
        check_same(self.config, config, str(self), changes)
        if notice := describe_fine_tuning(self.config, config):
            logger.info("weights: %s", notice)
        model = CCT(config, name=name or self.name or "cct", dtype=dtype)
        self._load(model)
        if {"mean", "std"} & changes.keys():
            self._say_assumptions(model)
        return model

    def load_into(
        self,
        model: CCT | SoftCommittee,
        *,
        grid: tuple[int, int] | None = None,
        strict: bool = True,
    ) -> None:
        """Loads the weights into a model; either all are loaded or none (`.weights.h5` files
        excepted).

        Args:
            model: weights that depend on the image size, the channels, the length or the
                classes are adapted as in `load_pytorch_checkpoint`, except from `.weights.h5`
                files and between committees.
            grid, strict: see `load_pytorch_checkpoint`.

        Raises:
            ValueError: if the weights do not fit; the model is then unchanged.
        """
        if self.config is not None and isinstance(model, CCT):
            check_same(self.config, model.config, str(self))
        else:
            description = self.open().description
            if description is not None:
                check_committee(description, model)
        self._load(model, grid, strict)
        if isinstance(model, CCT):
            self._say_assumptions(model)

    def _say_assumptions(self, model):
        notice = describe_assumptions(self.config, model, self.path.name)
        if notice:
            logger.info("weights: %s", notice)

    def _load(self, model, grid=None, strict=True):
        arrays, _, _, state_dicts = self.open()
        grid = grid or (self.config and self.config.grid)
        try:
            if state_dicts:
                chosen = choose_arrays(state_dicts, state_dict_keys(model), strict)
                load_state_dict(model, chosen, grid=grid, strict=strict)
            elif arrays is None:
                load_keras_weights(model, self.path, grid, strict)
            else:
                names = variable_names(model)
                assign_arrays(model, names, arrays, top=TOP, grid=grid, strict=strict)
        except ValueError as error:
            raise ValueError(f"{self} cannot be loaded. {error}") from error

    def _build_committee(self, name, dtype, changes):
        _, description, configs, _ = self.open()
        if description is None:
            raise ValueError(
                f"{self} do not include a description of their model: build it with "
                f"`create_model(MODEL, weights=path)`. Received: path={str(self.path)!r}"
            )
        if changes:
            raise ValueError(
                f"The model of a committee cannot be changed. Received: {', '.join(changes)}"
            )
        model = build_described({**description, "name": name or self.name}, configs, dtype)
        self._load(model)
        return model


def _with_statistics(config, changes):
    """The changes, with one mean and one std for all channels if their number changes."""
    if config.kind == "texts" or "input_shape" not in changes:
        return changes
    averages = {}
    channels = tuple(changes["input_shape"])[-1:]
    for field in ("mean", "std"):
        values = getattr(config, field)
        if isinstance(values, tuple) and len(values) > 1 and channels != (len(values),):
            averages[field] = sum(values) / len(values)
    return averages | changes
