"""The folder of files that are kept between runs."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder of downloaded files and of indices, in Keras' cache. It need not exist."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"  # as in `get_file`
    return Path(home, "cctzoo")
