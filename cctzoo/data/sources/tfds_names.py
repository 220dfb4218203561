"""Names of TensorFlow Datasets."""

import difflib
import importlib.util
import re
from pathlib import Path

from cctzoo.messages import shown
from cctzoo.typing import PathLike

TFDS_NAME = re.compile(r"(?P<set>\w+)(/[\w.\-]+)?(:[\d.*]+)?")  # set/configuration:version


def set_name(name: str) -> str | None:
    """Returns the set of `"set/configuration:version"`; None if this is not a TFDS name."""
    match = TFDS_NAME.fullmatch(name)
    return match and match["set"]


def check_tfds_name(name: str, data_dir: PathLike | None, others: str) -> None:
    """Raises ValueError unless TFDS knows the set, or it is prepared in `data_dir`.

    Args:
        name: `"set"`, `"set/configuration"` or `"set:version"`.
        data_dir: folder of prepared TFDS sets. Default: TFDS' own.
        others: the other forms of data set names, for the error message.
    """
    rule = f"A data set must be one of {others}, or a name of TensorFlow Datasets"
    word = set_name(name)
    if word is None:
        raise ValueError(
            f"{rule} ('set', 'set/configuration' or 'set:version'). Received: name={shown(name)}"
        )
    if importlib.util.find_spec("tensorflow_datasets") is None:
        raise ValueError(
            f"{rule}, which needs `pip install 'cctzoo[recipes]'`. Received: name={shown(name)}"
        )
    import tensorflow_datasets as tfds

    from cctzoo.data.sources.tfds_private import default_data_dir

    known = tfds.list_builders(with_community_datasets=False)
    prepared = Path(data_dir or default_data_dir()).expanduser() / word
    if word not in known and not prepared.is_dir():
        close = difflib.get_close_matches(word, known, n=5)
        if Path(word).is_dir():
            close = [f"folder:{word}", *close]
        hint = f". Did you mean: {', '.join(close)}?" if close else ""
        raise ValueError(f"{rule}. Received: name={shown(name)}{hint}")
