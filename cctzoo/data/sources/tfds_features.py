"""The description of prepared TFDS sets, which may come from elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cctzoo.data.sources.tfds_names import set_name
from cctzoo.data.sources.tfds_private import default_data_dir
from cctzoo.formats.reading import read_json
from cctzoo.messages import shown
from cctzoo.typing import PathLike

CLASS_NAMES = ("pythonClassName", "python_class_name", "type")  # of now, and of older versions
TRUSTED = "tensorflow_datasets.core.features."


def check_features(name: str, data_dir: PathLike | None) -> None:
    """Raises ValueError if a prepared set has features of other classes than those of TFDS.

    TFDS imports the module of each class that `features.json` names, which may be any module.

    Args:
        name: name of the set, as in `data.load`.
        data_dir: folder of prepared TFDS sets. Default: TFDS' own.
    """
    folder = Path(data_dir or default_data_dir()).expanduser() / str(set_name(name))
    for path in sorted(folder.rglob("features.json")):
        for found in _class_names(read_json(path, "the features of a TFDS set")):
            if not found.startswith(TRUSTED):
                raise ValueError(
                    f"A feature in {path} must be a class of {TRUSTED[:-1]}: TFDS would import "
                    f"the module of any other class. Received: {shown(found)}"
                )


def _class_names(value: Any) -> Iterator[str]:
    """Yields the names of classes at any depth of JSON data."""
    if isinstance(value, dict):
        for key in CLASS_NAMES:
            if isinstance(value.get(key), str) and "." in value[key]:
                yield value[key]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _class_names(each)
