"""Which backends of Keras are installed, and which one is chosen; imports none of them."""

import importlib
import importlib.util
import json
import os
from collections.abc import MutableMapping
from pathlib import Path

BACKENDS = ("tensorflow", "jax", "torch")
DEFAULT = "tensorflow"  # of Keras


def is_installed(package: str) -> bool:
    """Whether a package can be found; it is not imported."""
    return importlib.util.find_spec(package) is not None


def installed_backends() -> list[str]:
    """The backends of Keras that are installed."""
    return [name for name in BACKENDS if is_installed(name)]


def chosen_backend() -> tuple[str, str]:
    """The backend that Keras will import, and what has chosen it."""
    if name := os.environ.get("KERAS_BACKEND"):
        return name, "KERAS_BACKEND"
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        name = json.loads((home / "keras.json").read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError):  # Keras ignores such a file, too
        return DEFAULT, "the default of Keras"
    return str(name), str(home / "keras.json")


def select_installed_backend(environment: MutableMapping[str, str] = os.environ) -> str | None:
    """Sets KERAS_BACKEND to an installed backend if Keras would import one that is not installed.

    A value of KERAS_BACKEND that the user has set stays.

    Returns:
        A sentence about the change, or None if there was none.
    """
    name, source = chosen_backend()
    installed = installed_backends()
    if source == "KERAS_BACKEND" or name in installed or not installed:
        return None
    environment["KERAS_BACKEND"] = installed[0]
    return f"{name}, chosen by {source}, is not installed; using KERAS_BACKEND={installed[0]}"


def import_models() -> None:
    """Imports layers, models and weights.

    Raises:
        ModuleNotFoundError: if the backend of Keras is not installed; the message says what to do.
    """
    try:
        importlib.import_module("cctzoo.models")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in BACKENDS and not is_installed(package):
            raise ModuleNotFoundError(backend_hint(), name=error.name) from None
        raise


def backend_hint() -> str:
    """How to get a backend that works, for the error of a missing one."""
    name, source = chosen_backend()
    text = f"Keras needs a backend: {name!r}, chosen by {source}, is not installed. "
    if installed := installed_backends():
        return text + f"Set KERAS_BACKEND={installed[0]}, which is installed."
    return text + "Install one: pip install 'cctzoo[jax]', 'cctzoo[tensorflow]' or 'cctzoo[torch]'."
