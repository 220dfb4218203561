"""Readers of metadata as functions of bytes, for inputs that a coverage-guided fuzzer makes up.

An input is the part of a file that has a grammar of its own. The rest of the file is sound, so
that no checksum hides the reader: `pickle` is the pickle of a PyTorch checkpoint, `safetensors` the
header of a safetensors file, `image` and `text` are the metadata of a `.tflite` file.
"""

import zipfile
from collections.abc import Callable
from pathlib import Path

from cctzoo import weights
from cctzoo.formats.safetensors import open_safetensors
from cctzoo.formats.stored_array import StoredArray
from cctzoo.formats.torch_file import open_torch_file
from tests.fuzz.cases import Fault, described, is_clear
from tests.fuzz.scripts import load_script, run_script
from tests.fuzz.sound_files import CORPUS, SoundFiles


class Readers:
    """The readers, each of which takes bytes and raises Fault if it does not refuse them clearly.

    Args:
        folder: for sound files, and for the file that is read.
    """

    def __init__(self, folder: Path) -> None:
        self.sound = SoundFiles(folder / "sound")
        self.folder = folder
        names = ("classify_tflite", "classify_text_tflite")
        self.image_script, self.text_script = map(load_script, names)
        self.targets: dict[str, Callable[[bytes], object]] = {
            "pickle": self.pickle,
            "safetensors": self.safetensors,
            "image": self.image,
            "text": self.text,
        }

    def check(self, target: str, data: bytes) -> str:
        """Reads an input; returns the outcome.

        Raises:
            Fault: for any outcome but "read" and "refused".
        """
        try:
            self.targets[target](data)
        except Exception as error:
            word = "Received" if target in ("pickle", "safetensors") else "tflite.py: "
            if isinstance(error, ValueError) and is_clear(error, (target,), word):
                return "refused"
            raise Fault(f"{target}: not a clear refusal: {described(error)}") from error
        return "read"

    def sound_input(self, target: str) -> bytes:
        """A sound input."""
        if target == "pickle":
            with zipfile.ZipFile(self.sound.folder / "pytorch" / "model.pth") as archive:
                return archive.read("archive/data.pkl")
        if target == "safetensors":
            data = (self.sound.folder / "safetensors" / "own.safetensors").read_bytes()
            return data[8 : 8 + int.from_bytes(data[:8], "little")]
        kind = {"image": "tflite", "text": "text tflite"}[target]
        with zipfile.ZipFile(self.sound.folder / kind / f"{target}.tflite") as archive:
            return archive.read("metadata.json")

    def pickle(self, data: bytes) -> None:
        """The pickle of a checkpoint."""
        path = self.folder / "pickle.pth"
        sound = zipfile.ZipFile(self.sound.folder / "pytorch" / "model.pth")
        with sound, zipfile.ZipFile(path, "w") as archive:
            for name in sound.namelist():
                archive.writestr(name, data if name.endswith("data.pkl") else sound.read(name))
        with open_torch_file(path) as found:
            _read_arrays(found)

    def safetensors(self, data: bytes) -> None:
        """The header of a file of weights."""
        path = self.folder / "safetensors.safetensors"
        sound = (self.sound.folder / "safetensors" / "own.safetensors").read_bytes()
        start = 8 + int.from_bytes(sound[:8], "little")
        path.write_bytes(len(data).to_bytes(8, "little") + data + sound[start:])
        with open_safetensors(path) as (arrays, _):
            _read_arrays(arrays)
        with weights.open_weights(path):  # checks the description, and builds nothing
            pass

    def image(self, data: bytes) -> None:
        """The metadata of an image model."""
        picture = self.sound.folder / "tflite" / "cat.png"
        run_script(self.image_script, [str(self._tflite("image", data)), str(picture)])

    def text(self, data: bytes) -> None:
        """The metadata of a text model."""
        run_script(self.text_script, [str(self._tflite("text", data)), "a" * 40 + "!", "a cat"])

    def _tflite(self, name, data):
        path = self.folder / f"{name}.tflite"
        path.write_bytes((CORPUS / f"{name}.tflite").read_bytes())
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("metadata.json", data)
        return path


def _read_arrays(value):
    if isinstance(value, StoredArray):
        value.read()
    elif isinstance(value, dict | list | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            _read_arrays(each)


def stored(target: str) -> list[bytes]:
    """The inputs of a reader in the repository: they reach different places in the code."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]
