"""Optional packages: asked for before any work, and named with the extra that installs them."""

import importlib.util

# The names under which packages are installed, where these differ from the imported names.
DISTRIBUTIONS = {
    "ai_edge_litert": "ai-edge-litert",
    "ai_edge_quantizer": "ai-edge-quantizer",
    "keras_tuner": "keras-tuner",
    "sklearn": "scikit-learn",
    "tensorflow_datasets": "tensorflow-datasets",
    "tflite_micro": "tflite-micro",
}


def require(*packages: str, extra: str, purpose: str) -> None:
    """Raises ModuleNotFoundError unless packages are installed; imports none of them.

    Args:
        packages: names as in `import`.
        extra: the extra of cctzoo that installs them.
        purpose: what needs the packages, the subject of the message, e.g. `"Export"`.
    """
    absent = missing(*packages)
    if absent:
        names = " and ".join(DISTRIBUTIONS.get(name, name) for name in absent)
        raise ModuleNotFoundError(
            f"{purpose} needs {names}: pip install 'cctzoo[{extra}]'", name=absent[0]
        )


def missing(*packages: str) -> list[str]:
    """Returns the names of the packages that are not installed; imports none of them."""
    return [name for name in packages if importlib.util.find_spec(name) is None]
