"""What a data set may be called."""

import difflib
import importlib.util
import re
from pathlib import Path

OFFLINE = "'digits', 'docstrings', 'npz:PATH', 'folder:PATH', 'csv:PATH', 'jsonl:PATH'"
TFDS_NAME = re.compile(r"(?P<set>\w+)(/[\w.\-]+)?(:[\d.*]+)?")  # set/configuration:version


def check_name(name, data_dir=None):
    """Raises ValueError unless `load` knows the name and, of a file or folder, finds it.

    Of a TFDS name the word alone is looked up, in TFDS' own list and among the sets prepared
    in `data_dir`: half a second, without TensorFlow or a network. Configuration and version
    are left to `load`.
    """
    kind, colon, rest = name.partition(":")
    if name in ("digits", "docstrings"):
        return
    if colon and kind in ("npz", "folder", "csv", "jsonl"):
        exists, what = (Path.is_dir, "a folder") if kind == "folder" else (Path.is_file, "a file")
        if not rest or not exists(Path(rest)):
            raise ValueError(f"'{kind}:PATH' must name {what} that exists. Received: name={name!r}")
        return
    match = TFDS_NAME.fullmatch(name)
    if not match:
        raise ValueError(
            f"A data set must be {OFFLINE} or a name of TensorFlow Datasets, 'name', "
            f"'name/configuration' or 'name:version'. Received: name={name!r}"
        )
    _check_word(name, match["set"], data_dir)


def _check_word(name, word, data_dir):
    rule = f"A data set must be {OFFLINE} or a name of TensorFlow Datasets"
    if importlib.util.find_spec("tensorflow_datasets") is None:
        raise ValueError(
            f"{rule}, which need `pip install 'cctzoo[recipes]'`. Received: name={name!r}"
        )
    import tensorflow_datasets as tfds

    known = tfds.list_builders(with_community_datasets=False)
    prepared = Path(data_dir or tfds.core.constants.DATA_DIR).expanduser() / word
    if word not in known and not prepared.is_dir():
        close = difflib.get_close_matches(word, known, n=5)
        hint = f"; close to it: {', '.join(close)}" if close else ""
        raise ValueError(f"{rule}. Received: name={name!r}{hint}")
