"""The runtimes that a web page brings along: their files come from packages of npm.

A package is a tarball, of which a few files are needed. It is downloaded once over HTTPS, must have
the SHA-512 that npm publishes, and nothing in it is executed here.
"""

import base64
import dataclasses
import hashlib
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from cctzoo.formats.cache import cache_folder
from cctzoo.messages import did_you_mean, shown
from cctzoo.typing import PathLike
from cctzoo.weights.download import download

Runtime = Literal["litert", "onnx"]
RUNTIMES = get_args(Runtime)
REGISTRY = "https://registry.npmjs.org/"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Package:
    """A package of npm.

    Args:
        name: of the package.
        version: of the package.
        size: of the tarball in bytes.
        sha256: of the tarball, in hexadecimal digits.
        integrity: SHA-512 of the tarball, as `npm view NAME@VERSION dist.integrity` prints it.
        files: a file in the tarball -> its name in the folder of the page.
    """

    name: str
    version: str
    size: int
    sha256: str
    integrity: str
    files: dict[str, str]

    @property
    def tarball(self) -> str:
        """The name that `npm pack` gives to the tarball."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"

    @property
    def url(self) -> str:
        return f"{REGISTRY}{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"


# LiteRT: two builds, of which a browser loads one. `litert_wasm_internal` needs relaxed SIMD,
# which Chromium has since 2023; the other one runs in every browser with SIMD.
PACKAGES: dict[str, tuple[Package, ...]] = {
    "litert": (
        Package(
            name="@litertjs/core",
            version="2.5.3",
            size=11_817_097,
            sha256="a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd",
            integrity=(
                "sha512-PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kC"
                "nN4nzWoyJQ=="
            ),
            files={
                "package/dist/index.js": "litert.js",
                "package/wasm/litert_wasm_internal.js": "litert_wasm_internal.js",
                "package/wasm/litert_wasm_internal.wasm": "litert_wasm_internal.wasm",
                "package/wasm/litert_wasm_compat_internal.js": "litert_wasm_compat_internal.js",
                "package/wasm/litert_wasm_compat_internal.wasm": "litert_wasm_compat_internal.wasm",
            },
        ),
        Package(
            name="@litertjs/wasm-utils",
            version="2.5.3",
            size=4_698,
            sha256="ce2a1f8379c067be49e59752e5a7f40db6be09f6e497f0f11e59f17b515366a7",
            integrity=(
                "sha512-4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFa"
                "wteZ/sI1kQ=="
            ),
            files={"package/dist/index.js": "wasm-utils.js"},
        ),
    ),
    "onnx": (
        Package(
            name="onnxruntime-web",
            version="1.30.0",
            size=33_106_585,
            sha256="d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71",
            integrity=(
                "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1Sig"
                "qR4CXAfKYQ=="
            ),
            files={
                "package/dist/ort.wasm.bundle.min.mjs": "ort.js",
                "package/dist/ort-wasm-simd-threaded.wasm": "ort-wasm-simd-threaded.wasm",
            },
        ),
    ),
}
TITLES = {"litert": "LiteRT.js", "onnx": "ONNX Runtime Web"}


def check_runtime(runtime: str) -> None:
    """Raises ValueError for an unknown runtime."""
    if runtime not in RUNTIMES:
        raise ValueError(
            f"`runtime` must be one of {RUNTIMES}.{did_you_mean(str(runtime), RUNTIMES)} "
            f"Received: runtime={shown(runtime)}"
        )


def runtime_title(runtime: str) -> str:
    """The name and the version of a runtime, for people."""
    return f"{TITLES[runtime]} {PACKAGES[runtime][0].version}"


def find_tarballs(runtime: str, folder: PathLike | None = None) -> list[tuple[Package, Path]]:
    """The verified tarballs of a runtime, which are downloaded if necessary.

    Args:
        runtime: one of `RUNTIMES`.
        folder: a folder that holds the tarballs under the names of `npm pack`. Default: the
            cache, with a download of what is missing there.

    Raises:
        ValueError: if a tarball is missing in `folder`, or is another one.
        OSError: if a tarball cannot be downloaded.
    """
    packages = PACKAGES[runtime]
    if folder is None:
        cache = cache_folder() / "npm"
        words = {"what": "runtime files", "argument": "runtime_files"}
        found = [
            (each, download(each.url, cache / each.tarball, each.sha256, each.size, **words))
            for each in packages
        ]
    else:
        found = [(each, Path(folder, each.tarball)) for each in packages]
        missing = [each for each, path in found if not path.is_file()]
        if missing:
            raise ValueError(
                "`runtime_files` must be a folder that holds the npm packages of the runtime. "
                f"Received: runtime_files={str(folder)!r}, without "
                + ", ".join(f"{each.tarball} ({each.url})" for each in missing)
            )
    for package, path in found:
        check_integrity(package, path)
    return found


def check_integrity(package: Package, path: Path) -> None:
    """Raises ValueError unless a tarball has the SHA-512 that npm publishes."""
    with open(path, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha512").digest()
    received = f"sha512-{base64.b64encode(digest).decode()}"
    if received != package.integrity:
        raise ValueError(
            f"The integrity of {package.tarball} must be {package.integrity}, as npm publishes "
            f"it. Received: {received}, path={str(path)!r}"
        )


def unpack(tarballs: Sequence[tuple[Package, Path]], folder: Path) -> None:
    """Writes the needed files of verified tarballs to an existing folder."""
    for package, path in tarballs:
        with tarfile.open(path, "r:gz") as archive:
            for name, target in package.files.items():
                member = archive.extractfile(name)
                if member is None:
                    raise ValueError(f"{name} in {path.name} must be a file")
                (folder / target).write_bytes(member.read())
