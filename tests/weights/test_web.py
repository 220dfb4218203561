"""Folders of models on a plain web server."""

import threading

import pytest

from cctzoo import limits, runs, training, weights
from cctzoo.training.fine_tuning import with_model_input
from cctzoo.weights import download
from tests.models.small import small_model
from tests.weights.hub_server import serving

pytestmark = pytest.mark.one_backend("torch")  # what is downloaded does not depend on it
FILES = ("config.json", "model.safetensors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "folder"
    weights.save_to_folder(small_model(), folder)
    return folder


@pytest.fixture
def server(folder, tmp_path, monkeypatch):
    """A server with a folder at `server.address`, and an empty cache."""
    monkeypatch.setattr(download, "PAUSE", 0)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    with serving() as server:
        server.address = f"{server.url}/models/mine/"
        server.folders = {
            f"/models/mine/{path.name}": path.read_bytes() for path in folder.iterdir()
        }
        yield server


def cached(tmp_path):
    """The only folder of the cache."""
    (folder,) = (tmp_path / "home" / "cctzoo" / "folders").iterdir()
    return folder


def test_a_folder_is_downloaded_once_and_verified(server, tmp_path):
    for address in (server.address, server.address.rstrip("/")):
        assert weights.load_model(address).name == "small"
    assert weights.load_from_folder(server.address).name == "small"
    assert runs.open_model(server.address).name == "small"
    assert server.requests == [("GET", f"/models/mine/{name}") for name in FILES]
    copy = cached(tmp_path)
    assert copy.name.startswith("mine-")
    names = {path.name for path in copy.iterdir() if not path.name.startswith(".")}
    assert names == {*FILES, *(f"{name}.sha256" for name in FILES)}


def test_a_damaged_copy_is_replaced_but_not_by_another_file(server, tmp_path):
    weights.load_model(server.address)
    path = cached(tmp_path) / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert weights.load_model(server.address).name == "small"
    assert path.read_bytes() == server.folders["/models/mine/model.safetensors"]
    path.write_bytes(data)
    server.folders["/models/mine/model.safetensors"] = bytes(data)
    with pytest.raises(ValueError, match=r"sent another file.*first download.*remove .*sha256"):
        weights.load_model(server.address)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("config.json", b"<html>", "sent another file than .*/config.json"),
        ("config.json", b'{"library": "timm"}', "one of `cctzoo.weights.save_to_folder`.*'timm'"),
        ("model.safetensors", b"\x80\x04.", "sent another file than .*/model.safetensors"),
    ],
)
def test_files_of_other_kinds_are_refused(name, data, message, server, tmp_path):
    server.folders[f"/models/mine/{name}"] = data
    with pytest.raises(ValueError, match=message):
        weights.load_model(server.address)
    assert not (cached(tmp_path) / name).exists()
    if name == "config.json":
        assert server.fetched() == ["config.json"]


def test_sizes_have_limits(server):
    for limit, name in {"json_bytes": "config.json", "array_bytes": "model.safetensors"}.items():
        with limits.raised(**{limit: 100}), pytest.raises(ValueError, match=f"the limit `{limit}`"):
            weights.load_model(server.address)
        assert server.fetched()[-1] == name


def test_one_error_says_that_a_folder_cannot_be_downloaded(server):
    for address in (f"{server.url}/other/", "http://127.0.0.1:1/models/"):
        with pytest.raises(OSError, match=r"could not be downloaded.*/config.json.* Received: "):
            weights.load_model(address)


def test_a_recipe_file_downloads_nothing(server, tmp_path):
    recipe = training.Recipe(dataset="digits", start_from=server.address)
    recipe.save(tmp_path / "recipe.json")
    loaded = training.Recipe.load(tmp_path / "recipe.json")
    with pytest.raises(ValueError, match="comes from a file is not downloaded"):
        with_model_input(loaded)
    assert not server.requests
    assert not (tmp_path / "home").exists()
    assert with_model_input(recipe).image_size is None  # digits are arrays of one size
    server.requests.clear()
    with_model_input(loaded)
    (cached(tmp_path) / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="comes from a file is not downloaded"):
        with_model_input(loaded)
    assert not server.requests


def test_two_threads_download_once(server):
    """One downloads, the other waits for its lock."""
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(weights.load_model(server.address)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert sorted(server.fetched()) == sorted(FILES)
