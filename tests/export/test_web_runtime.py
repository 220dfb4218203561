"""The runtime's files: only tarballs with the published integrity are unpacked."""

import base64
import dataclasses
import hashlib
import io
import tarfile

import pytest

from cctzoo.export import web_runtime
from cctzoo.export.web_runtime import PACKAGES, Package, find_tarballs, unpack
from cctzoo.weights import download
from tests.weights.hub_server import serving

pytestmark = pytest.mark.one_backend("torch")


def tarball(**files):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, data in {"package/../../escape": b"never", **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def package(data, **changes):
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    fields = {
        "name": "@scope/core",
        "version": "1.2.3",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "integrity": f"sha512-{digest}",
        "files": {"package/dist/index.js": "core.js"},
    }
    return Package(**fields | changes)


DATA = tarball(**{"package/dist/index.js": b"one();", "package/other.js": b"two();"})


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(download, "PAUSE", 0)
    monkeypatch.setitem(PACKAGES, "litert", (package(DATA),))
    with serving() as server:
        monkeypatch.setattr(web_runtime, "REGISTRY", f"{server.url}/")
        server.folders["/@scope/core/-/core-1.2.3.tgz"] = DATA
        yield server


def test_a_package_is_downloaded_once_and_only_its_named_files_are_written(server, tmp_path):
    for _ in range(2):
        tarballs = find_tarballs("litert")
    assert len(server.requests) == 1
    assert [path.name for _, path in tarballs] == ["scope-core-1.2.3.tgz"]
    folder = tmp_path / "runtime"
    folder.mkdir()
    unpack(tarballs, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"core.js": b"one();"}
    assert not list(tmp_path.rglob("escape"))


def test_a_tarball_of_another_integrity_is_refused(server, monkeypatch, tmp_path):
    server.folders["/@scope/core/-/core-1.2.3.tgz"] = DATA[:-1] + b"x"
    with pytest.raises(ValueError, match=r"The server sent another file than http.*core-1\.2\.3"):
        find_tarballs("litert")
    assert not list(tmp_path.rglob("*.tgz"))
    server.folders["/@scope/core/-/core-1.2.3.tgz"] = DATA
    monkeypatch.setitem(PACKAGES, "litert", (package(DATA, integrity="sha512-AAAA"),))
    with pytest.raises(ValueError, match=r"integrity of scope-core-1\.2\.3\.tgz must be sha512-AA"):
        find_tarballs("litert")


def test_a_folder_takes_the_place_of_the_download(server, tmp_path):
    with pytest.raises(ValueError, match=r"without scope-core-1\.2\.3\.tgz \(http.*core-1\.2\.3"):
        find_tarballs("litert", tmp_path)
    path = tmp_path / "scope-core-1.2.3.tgz"
    path.write_bytes(DATA + b"x")
    with pytest.raises(ValueError, match=r"integrity of scope-core-1\.2\.3\.tgz must be"):
        find_tarballs("litert", tmp_path)
    path.write_bytes(DATA)
    ((_, found),) = find_tarballs("litert", tmp_path)
    assert found == path
    assert not server.requests


def test_without_the_registry_the_error_names_the_argument(server):
    server.folders.clear()
    with pytest.raises(OSError, match=r"The runtime files could not be .* as `runtime_files`"):
        find_tarballs("litert")


def test_packages_are_pinned():
    for packages in PACKAGES.values():
        for each in packages:
            digest = base64.b64decode(each.integrity.removeprefix("sha512-"), validate=True)
            assert len(digest) == 64
            assert len(bytes.fromhex(each.sha256)) == 32
            assert each.url.startswith("https://registry.npmjs.org/")
            assert set(map(len, dataclasses.astuple(each)[:2])) != {0}
