"""What reading the images of a large folder has found, kept for the next time."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cctzoo.data.sources.image_index import file_state, load_index, save_index
from cctzoo.data.sources.read_images import ReadImage
from cctzoo.formats.cache import cache_folder

LEAST = 2000  # images from which an index is kept: fewer are read in a second


class FolderIndex:
    """The images of a folder that were read before and have not changed since.

    The index is in Keras' cache; it may be deleted at any time.

    Args:
        root: the folder.
        files: paths of the image files in it.
    """

    def __init__(self, root: Path, files: Sequence[str]):
        self.root, self.files = os.path.join(root, ""), files
        name = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:32]
        # Before the files are read: one that changes meanwhile is read again the next time.
        self.states = {file: file_state(file) for file in files} if len(files) >= LEAST else {}
        self.path = cache_folder() / "folders_of_images" / f"{name}.npz"

    def known(self) -> dict[str, ReadImage]:
        """Returns the images that need not be read again, by path."""
        if not self.states:
            return {}
        stored, _ = load_index(self.path)
        found = {}
        for file in self.files:
            state, image = stored.get(file.removeprefix(self.root), (None, None))
            if image is not None and state == self.states[file]:
                found[file] = image
        return found

    def save(self, images: Mapping[str, ReadImage]) -> None:
        """Keeps what was found for the next time."""
        kept = {
            file.removeprefix(self.root): (state, image)
            for file, image in images.items()
            if (state := self.states.get(file)) is not None
        }
        if kept:
            save_index(self.path, kept)
