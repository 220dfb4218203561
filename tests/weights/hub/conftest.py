"""A server of the Hub without repositories, and a repository in it."""

import pytest

from cctzoo import weights
from tests.models.small import small_model
from tests.weights.hub_server import serving


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture(scope="module")
def files(model, tmp_path_factory):
    """The files of a repository: those of a folder, and others that must not be downloaded."""
    folder = tmp_path_factory.mktemp("saved") / "folder"
    weights.save_to_folder(model, folder)
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    return found | {"model.pkl": b"\x80\x04.", "modeling.py": b"raise SystemExit"}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A server without repositories, where `huggingface_hub` looks, and an empty cache."""
    from huggingface_hub import constants, get_token
    from huggingface_hub.utils import _http

    with serving() as server:
        # As HF_ENDPOINT, HF_HOME and HF_HUB_DISABLE_XET do before the import.
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(tmp_path / "agents.json"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        assert get_token() is None
        yield server


@pytest.fixture
def stored(hub, files):
    """The server with a repository; the commit is `hub.refs`."""
    hub.commit("user/name", files)
    return hub
