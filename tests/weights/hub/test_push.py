"""Models are pushed to the Hugging Face Hub, by a local server that speaks its calls."""

import pytest

from cctzoo import weights
from cctzoo.models import soft_committee
from tests.models.small import small_model
from tests.weights.hub.repository import ADDRESS, assert_equal, needs_hub
from tests.weights.hub_server import TOKEN

pytestmark = [
    pytest.mark.one_backend("torch"),  # what is downloaded does not depend on it
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),  # of an upload
]


@needs_hub
def test_a_model_is_pushed_and_loaded_again(hub, model, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    address = weights.push_to_hub(model, "user/new", licence="mit", message="First", private=True)
    assert address == f"hf://user/new@{hub.refs['user/new']['main']}"
    assert hub.private == {"user/new"}
    assert hub.messages == ["First"]
    files = hub.commits["user/new"][hub.refs["user/new"]["main"]]
    assert files.keys() == {"config.json", "model.safetensors", "README.md"}
    card = files["README.md"].decode()
    assert 'license: "mit"' in card
    assert 'cctzoo.weights.load_model("hf://user/new")' in card
    assert_equal(weights.load_model(address), model)


@needs_hub
def test_a_folder_is_pushed_without_its_other_files(hub, model, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    committee = soft_committee([model, small_model("second")])
    weights.save_to_folder(committee, tmp_path / "folder")
    (tmp_path / "folder" / "secret.txt").write_text("not for the Hub")
    (tmp_path / "folder" / "README.md").write_text("My own card.")
    hub.commit("user/name", {"figures.csv": b"kept"})
    weights.push_to_hub(tmp_path / "folder", "hf://user/name")
    files = hub.commits["user/name"][hub.refs["user/name"]["main"]]
    assert files.keys() == {"config.json", "model.safetensors", "README.md", "figures.csv"}
    assert files["README.md"] == b"My own card."
    assert len(weights.load_model(ADDRESS).members) == 2


@needs_hub
def test_what_cannot_be_pushed_changes_nothing(hub, model, tmp_path, monkeypatch):
    with pytest.raises(
        ValueError, match=r"The token must .*hf auth login.* hf://user/new, status 401$"
    ):
        weights.push_to_hub(model, "user/new")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    (tmp_path / "empty").mkdir()
    weights.save_to_folder(model, tmp_path / "folder")
    cases = {
        r"must be user/name.* repository='name'": (model, "name", {}),
        r"must be user/name.* repository='a/b/c'": (model, "a/b/c", {}),
        r"without config.json": (tmp_path / "empty", "user/new", {}),
        r"arguments are for a model.* dtype": (
            tmp_path / "folder",
            "user/new",
            {"dtype": "float16"},
        ),
        r"`accuracy` must be in": (model, "user/new", {"accuracy": 90.0}),
    }
    for message, (source, name, options) in cases.items():
        with pytest.raises(ValueError, match=message):
            weights.push_to_hub(source, name, **options)
    with pytest.raises(TypeError, match="license"):
        weights.push_to_hub(model, "user/new", license="mit")
    assert not hub.commits
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match=r"HF_HUB_OFFLINE must not be set.* hf://user/new$"):
        weights.push_to_hub(model, "user/new")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    hub.status = 500
    with pytest.raises(OSError, match=r"The Hub failed. Received: hf://user/new, .*500"):
        weights.push_to_hub(model, "user/new")
