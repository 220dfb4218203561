"""Names that TFDS does not document: which of them an upgrade has changed."""

import importlib
import json
from pathlib import Path

import pytest
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download import checksums, resource

from cctzoo.data.sources import tfds_private

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("core.constants", "DATA_DIR"),
        ("core.download.download_manager", "NonMatchingChecksumError"),
        ("core.download.util", "DownloadError"),
        ("core", "DatasetBuilder.url_infos"),
        ("core", "DatasetBuilder.data_dir_root"),
        ("core", "DatasetBuilder.MANUAL_DOWNLOAD_INSTRUCTIONS"),
        ("core.download.checksums", "UrlInfo.__init__"),
    ],
)
def test_private_names_of_tfds(module, name):
    found = importlib.import_module(f"tensorflow_datasets.{module}")
    for part in name.split("."):
        assert hasattr(found, part), f"TFDS {tfds.__version__} has no {module}.{name}"
        found = getattr(found, part)


def test_default_data_dir():
    assert Path(tfds_private.default_data_dir()).name == "tensorflow_datasets"


def test_files_of_a_builder(tmp_path):
    urls = tfds_private.file_urls(tfds.builder("cifar10", data_dir=tmp_path))
    assert set(urls.values()) == {"cifar-10-binary.tar.gz"}
    assert all(url.startswith("https://") for url in urls)


def test_downloaded_files(tmp_path):
    for name in ("here.tar.gz", "deleted.tar.gz"):
        (tmp_path / f"{name}.INFO").write_text(json.dumps({"urls": [f"http://{name}"]}))
    (tmp_path / "here.tar.gz").touch()
    assert tfds_private.downloaded_urls(tmp_path) == {"http://here.tar.gz"}


def test_notes_that_tfds_writes(tmp_path):
    """`downloaded_urls` reads the notes that TFDS' own download manager leaves."""
    file = tmp_path / "file.tar.gz"
    file.touch()
    resource.write_info_file(
        url="http://example.org/a",
        path=file,
        dataset_name="a",
        original_fname="a",
        url_info=checksums.UrlInfo(0, "0", "a"),
    )
    assert tfds_private.downloaded_urls(tmp_path) == {"http://example.org/a"}
