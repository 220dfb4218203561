"""Models from the Hugging Face Hub, by a local server that speaks its calls."""

import hashlib
import importlib.util
import json
import logging
import re

import pytest

from cctzoo import latency, limits, models, runs, training, weights
from cctzoo.training.fine_tuning import with_model_input
from tests.models.small import small_model
from tests.weights.hub.repository import ADDRESS, assert_equal, needs_hub
from tests.weights.hub_server import TOKEN

pytestmark = [
    pytest.mark.one_backend("torch"),  # what is downloaded does not depend on it
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),  # of an upload
]


@needs_hub
def test_only_the_two_files_of_a_model_are_downloaded_once(stored, files, model, caplog):
    assert_equal(weights.load_model(ADDRESS), model)
    digest = hashlib.sha256(files["model.safetensors"]).hexdigest()
    assert stored.fetched() == ["config.json", digest]
    assert not any(".p" in path or "README" in path for _, path in stored.requests)
    stored.requests.clear()
    assert_equal(weights.load_model(ADDRESS), model)
    assert stored.requests  # a branch can have moved on
    assert not stored.fetched()
    stored.requests.clear()
    commit = stored.refs["user/name"]["main"]
    assert_equal(weights.load_model(f"{ADDRESS}@{commit}"), model)
    assert not stored.requests  # a commit cannot
    names = ("config.json", "model.safetensors")
    assert caplog.messages == [f"weights: downloading {name} of {ADDRESS}" for name in names]


@needs_hub
def test_a_revision_is_loaded(stored, tmp_path):
    other = small_model("other", heads=6)
    weights.save_to_folder(other, tmp_path / "other")
    old = stored.refs["user/name"]["main"]
    weights.load_model(ADDRESS)
    new = {path.name: path.read_bytes() for path in (tmp_path / "other").iterdir()}
    stored.commit("user/name", new)
    stored.refs["user/name"]["v1.0"] = old
    assert weights.load_model(ADDRESS).name == "other"  # the branch has moved on
    assert weights.load_model(f"{ADDRESS}@v1.0").name == "small"
    with pytest.raises(ValueError, match=r"The revision must be .* Received: hf://user/name@v2"):
        weights.load_model(f"{ADDRESS}@v2")


@needs_hub
def test_every_function_that_takes_a_folder_takes_the_address(stored, model):
    with weights.open_weights(ADDRESS) as source:
        assert source.config == model.config
        assert_equal(source.build(), model)
    assert_equal(runs.open_model(ADDRESS), model)
    assert_equal(weights.load_from_folder(ADDRESS), model)
    with pytest.raises(ValueError, match=r"hf://user/name"):
        models.create_model("cct_7_3x1_32", weights=ADDRESS)


@needs_hub
def test_create_model_adapts_the_weights_at_an_address(hub, tmp_path):
    weights.save_to_folder(models.cct_2_3x2_32(heads=4, classes=7), tmp_path / "folder")
    files = {path.name: path.read_bytes() for path in (tmp_path / "folder").iterdir()}
    hub.commit("user/name", files)
    model = models.create_model("cct_2_3x2_32", weights=ADDRESS, classes=3)
    assert (model.config.heads, model.config.classes) == (4, 3)


@needs_hub
def test_latency_is_measured_at_an_address(stored, monkeypatch):
    """The child process times a file: it gets no address."""
    paths = {}

    def run_module(module, job, result, **variables):
        paths.update(json.loads(job.read_text())[0])
        result.write_text(json.dumps({name: [1.0, 2.0] for name in paths}))

    monkeypatch.setattr(latency, "run_module", run_module)
    assert latency.measure({"model": ADDRESS}).rows[0].name == "model"
    assert paths["model"].endswith(".keras")


@needs_hub
def test_the_cache_is_used_without_a_connection(stored, model, monkeypatch):
    from huggingface_hub import constants

    weights.load_model(ADDRESS)
    stored.status = 503
    assert_equal(weights.load_model(ADDRESS), model)
    stored.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert_equal(weights.load_model(ADDRESS), model)
    assert not stored.requests


@needs_hub
def test_without_a_connection_one_error_says_what_to_check(stored, monkeypatch):
    from huggingface_hub import constants

    message = r"The Hub cannot be reached, .*HF_HUB_OFFLINE.* Received: hf://user/name$"
    stored.status = 503
    with pytest.raises(OSError, match=message):
        weights.load_model(ADDRESS)
    template = "http://127.0.0.1:1/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    with pytest.raises(OSError, match=message):
        weights.load_model(ADDRESS)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match=message):
        weights.load_model(ADDRESS)


@needs_hub
def test_a_repository_must_exist_and_be_readable(stored, model, monkeypatch):
    with pytest.raises(ValueError, match=r"must exist.*hf auth login.* hf://user/other$"):
        weights.load_model("hf://user/other")
    stored.private.add("user/name")
    with pytest.raises(ValueError, match=r"a private one needs a token.* hf://user/name$"):
        weights.load_model(ADDRESS)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert_equal(weights.load_model(ADDRESS), model)
    stored.commit("user/gated", {})
    stored.gated.add("user/gated")
    with pytest.raises(ValueError, match=r"Access .* must be granted.* hf://user/gated$"):
        weights.load_model("hf://user/gated")


@needs_hub
@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "must hold a model of cctzoo, with config.json"),
        (b'{"model_type": "bert"}', "must hold a model of cctzoo.* library=None"),
        (b'{"library": "timm"}', "must hold a model of cctzoo.* library='timm'"),
        (b"\x80\x04.", "must hold a model of cctzoo.*config.json"),
    ],
)
def test_a_repository_of_another_library_is_refused_before_its_weights(config, message, hub):
    hub.commit(
        "user/name", {"model.safetensors": b"x"} | ({"config.json": config} if config else {})
    )
    with pytest.raises(ValueError, match=rf"{message}") as error:
        weights.load_model(ADDRESS)
    assert ADDRESS in str(error.value)
    assert "\n" not in str(error.value)
    assert "model.safetensors" not in hub.fetched()
    assert not any(path.startswith("/large/") for _, path in hub.requests)


@needs_hub
def test_a_repository_without_weights_or_with_broken_ones_is_refused(hub, files):
    hub.commit("user/name", {"config.json": files["config.json"]})
    with pytest.raises(ValueError, match=r"with config.json and model.safetensors"):
        weights.load_model(ADDRESS)
    hub.commit("user/name", {"model.safetensors": files["model.safetensors"][:-1]})
    with pytest.raises(ValueError, match=r"Received: .*model.safetensors"):
        weights.load_model(ADDRESS)


@needs_hub
def test_wrong_bytes_of_the_right_size_are_refused(stored, files):
    data = files["model.safetensors"]
    stored.damage["model.safetensors"] = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(ValueError, match=r"must be the file on the Hub: remove it.* SHA-256"):
        weights.load_model(ADDRESS)


@needs_hub
def test_a_cache_that_links_to_a_shared_file_is_read(stored, files, model, tmp_path):
    """The shared files of `huggingface_hub` have names of 64 digits that are not their SHA-256."""
    weights.load_model(ADDRESS)
    digest = hashlib.sha256(files["model.safetensors"]).hexdigest()
    (blob,) = (tmp_path / "cache").glob(f"*/blobs/{digest}")
    blob.rename(tmp_path / ("0" * 64))
    blob.symlink_to(tmp_path / ("0" * 64))
    assert_equal(weights.load_model(ADDRESS), model)


@needs_hub
def test_sizes_have_limits_before_the_download(stored):
    for limit, first in {"json_bytes": "config.json", "array_bytes": "model.safetensors"}.items():
        with (
            limits.raised(**{limit: 100}),
            pytest.raises(ValueError, match=rf"bytes of {first} must be at most 100: the limit"),
        ):
            weights.load_model(ADDRESS)
    assert not any(path.startswith("/large/") for method, path in stored.requests)


@needs_hub
def test_a_recipe_names_the_commit_and_downloads_nothing_by_itself(stored, tmp_path, monkeypatch):
    """A run keeps the commit of its first weights, so that it resumes from the same ones."""

    def refuse(*arguments, **keywords):
        raise AssertionError("the Hub is asked")

    commit = stored.refs["user/name"]["main"]
    recipe = training.Recipe(dataset="digits", start_from=ADDRESS)
    recipe.check_sources()
    assert not stored.requests
    recipe.save(tmp_path / "recipe.json")
    loaded = training.Recipe.load(tmp_path / "recipe.json")
    assert loaded.start_from == f"cached:{ADDRESS}"
    loaded.check_sources()
    with monkeypatch.context() as patch:
        patch.setattr("huggingface_hub.hf_hub_download", refuse)
        with pytest.raises(ValueError, match=r"from a file is not downloaded.*'hf://user/name'"):
            with_model_input(loaded)
    assert not stored.requests
    pinned = with_model_input(recipe)
    assert pinned.start_from == f"{ADDRESS}@{commit}"
    stored.requests.clear()
    monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
    assert with_model_input(loaded).start_from == f"cached:{ADDRESS}@{commit}"
    pinned.save(tmp_path / "recipe.json")
    loaded = training.Recipe.load(tmp_path / "recipe.json")
    assert with_model_input(loaded) == loaded
    assert not stored.requests


def test_without_the_extra_the_error_names_it(model, monkeypatch):
    find_spec = importlib.util.find_spec
    absent = {"huggingface_hub"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in absent else find_spec(name)
    )
    message = re.escape("needs huggingface_hub: pip install 'cctzoo[hub]'")
    for call in (
        lambda: weights.load_model(ADDRESS),
        lambda: weights.open_weights(ADDRESS),
        lambda: weights.push_to_hub(model, "user/name"),
    ):
        with pytest.raises(ModuleNotFoundError, match=message):
            call()


@needs_hub
def test_a_download_is_quiet_without_a_terminal(stored, capfd, caplog):
    weights.load_model(ADDRESS)
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
