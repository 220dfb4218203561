"""Addresses of models: what is one, what is refused, and what a file may not cause."""

from pathlib import Path

import pytest

from cctzoo import runs, training, weights
from cctzoo.weights.address import is_address, parse_address, without_download
from cctzoo.weights.source import locate_weights

pytestmark = pytest.mark.one_backend("torch")


@pytest.mark.parametrize(
    ("text", "repository", "revision", "source"),
    [
        ("hf://user/name", "user/name", None, "hf://user/name"),
        ("hf://user/na.me_2-x/", "user/na.me_2-x", None, "hf://user/na.me_2-x"),
        ("hf://user/name@v1.0", "user/name", "v1.0", "hf://user/name@v1.0"),
        ("hf://user/name@refs/pr/1", "user/name", "refs/pr/1", "hf://user/name@refs/pr/1"),
        ("cached:hf://user/name@main", "user/name", "main", "cached:hf://user/name@main"),
        ("https://host/a/b", None, None, "https://host/a/b/"),
        ("https://host:8443/a%20b//", None, None, "https://host:8443/a%20b/"),
        ("http://localhost:8000/a/", None, None, "http://localhost:8000/a/"),
        ("http://[::1]:8000/a/", None, None, "http://[::1]:8000/a/"),
    ],
)
def test_addresses(text, repository, revision, source):
    assert is_address(text)
    address = locate_weights(text)
    assert (address.repository, address.revision) == (repository, revision)
    assert address.source == source
    assert parse_address(source) == address
    assert parse_address(Path(text)) == address  # a path has one slash after the colon


@pytest.mark.parametrize("text", ["cct_2_3x2_32.digits", "folder", "hf", "./hf://a/b", "C:/a", ""])
def test_tags_and_paths_are_no_addresses(text):
    assert not is_address(text)
    assert parse_address(text) is None
    assert without_download(text) == text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("hf://name", "must be hf://user/name or"),
        ("hf://user/name/sub", "must be hf://user/name or"),
        ("hf://user/..", "must be hf://user/name or"),
        ("hf://user/name@", "must be hf://user/name or"),
        ("hf://user/name@../../x", "must be hf://user/name or"),
        ("hf://user/name@/etc", "must be hf://user/name or"),
        ("hf://user/na\nme", "must be hf://user/name or"),
        ("http://host/path/", "must start with https://"),
        ("http://localhost.host/path/", "must start with https://"),
        ("https://huggingface.co/user/name", "must be addressed by hf://user/name"),
        ("https://host/path/?a=b", "must be that of a folder"),
        ("https://host/path/#a", "must be that of a folder"),
        ("https://me:secret@host/path/", "must be that of a folder"),
        ("https://host/model.safetensors", "must be that of a folder"),
        ("https://host/a b/", "must be that of a folder"),
        ("https://host/a\r\nb/", "must be that of a folder"),
        ("https://[host/", "must be valid"),
        ("https://host:port/", "must be valid"),
        ("https://", "must be that of a folder"),
    ],
)
def test_wrong_addresses_are_refused_before_anything_is_asked(text, rule):
    for call in (
        lambda: weights.load_model(text),
        lambda: weights.open_weights(text),
        lambda: runs.open_model(text),
        lambda: training.Recipe(start_from=text).check_sources(),
    ):
        with pytest.raises(ValueError, match=rf"{rule}.* Received: \w+=") as error:
            call()
        assert "\n" not in str(error.value)


def test_a_file_may_only_use_what_is_in_the_cache():
    assert without_download(None) is None
    assert without_download("https://host/a") == "cached:https://host/a"
    assert without_download("cached:hf://user/name") == "cached:hf://user/name"


def test_other_schemes_are_named_in_the_message():
    with pytest.raises(ValueError, match=r"its address \(hf://user/name or https://host/path/\)"):
        weights.open_weights("s3://bucket/name")
