"""TFDS sets that are not prepared: no network, files from another machine, wrong files."""

import contextlib
import hashlib
import http.server
import io
import json
import socket
import tarfile
import threading
import time

import numpy as np
import pytest
import requests
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download.checksums import UrlInfo

from cctzoo import data
from cctzoo.data.sources import tfds_prepare
from cctzoo.data.sources.hosts import silent_hosts

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
ARCHIVE = "cifar-10-binary.tar.gz"
NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def set_proxy(monkeypatch, port):
    for key in ("no_proxy", "all_proxy"):
        monkeypatch.delenv(key, raising=False)
        monkeypatch.delenv(key.upper(), raising=False)
    for key in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(key, f"http://127.0.0.1:{port}")


@pytest.fixture
def no_network(monkeypatch):
    """Sends every request to a port that refuses connections."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        set_proxy(monkeypatch, free.getsockname()[1])
        yield


def cifar_archive(path):
    """CIFAR-10's binary layout with 20 images a batch; returns images and labels of train."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (120, 3, 32, 32)).astype("uint8")
    labels = (np.arange(120) % 10).astype("uint8")
    records = np.concatenate([labels[:, None], images.reshape(120, -1)], axis=1)
    files = {f"data_batch_{i + 1}.bin": records[20 * i : 20 * i + 20] for i in range(5)}
    files["test_batch.bin"] = records[100:]
    contents = {name: part.tobytes() for name, part in files.items()}
    contents["batches.meta.txt"] = "\n".join(NAMES).encode() + b"\n\n"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return images.transpose(0, 2, 3, 1), labels


def test_no_network_is_one_error_within_seconds(tmp_path, no_network):
    start = time.monotonic()
    with pytest.raises(ValueError, match="name='cifar10', no answer from www") as caught:
        data.load("cifar10", data_dir=tmp_path)
    assert time.monotonic() - start < 10
    for word in ("'digits'", "'folder:PATH'", "'csv:PATH'", "manual_dir", ARCHIVE, URL):
        assert word in str(caught.value)
    assert caught.value.__cause__ is None


def test_hosts_that_never_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(tfds_prepare, "SECONDS", 1)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        set_proxy(monkeypatch, mute.getsockname()[1])
        start = time.monotonic()
        with pytest.raises(ValueError, match="no answer from www"):
            data.load("cifar100", data_dir=tmp_path)
        assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("status", "answers"), [(200, True), (405, True), (404, True), (503, False)]
)
def test_which_status_is_an_answer(monkeypatch, status, answers):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args):
            pass

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        host = f"127.0.0.1:{server.server_port}"
        silent = silent_hosts([f"http://{host}/a", f"http://{host}/b"], seconds=8)
        server.shutdown()
        thread.join()
    assert silent == ({} if answers else {host: "status 503"})


def test_manual_dir(tmp_path, monkeypatch, no_network):
    manual = tmp_path / "manual"
    manual.mkdir()
    images, labels = cifar_archive(manual / ARCHIVE)
    content = (manual / ARCHIVE).read_bytes()
    info = UrlInfo(len(content), hashlib.sha256(content).hexdigest(), ARCHIVE)
    monkeypatch.setattr(tfds.builder_cls("cifar10"), "url_infos", {URL: info})
    monkeypatch.delattr(tfds.core.utils.gcs_utils, "is_dataset_on_gcs")  # a bucket is not asked
    first = data.load("cifar10", data_dir=tmp_path / "tfds", manual_dir=manual, validation=0)
    assert first.classes == NAMES
    assert (first.x_train.shape, first.x_test.shape) == ((100, 32, 32, 3), (20, 32, 32, 3))
    label_of = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    assert [label_of[image.tobytes()] for image in first.x_train] == list(first.y_train)
    assert [label_of[image.tobytes()] for image in first.x_test] == list(first.y_test)
    # Once prepared, the archive is not needed again, and its class names are kept.
    again = data.load("cifar10", data_dir=tmp_path / "tfds", validation=0)
    assert again.classes == NAMES
    np.testing.assert_array_equal(again.x_train, first.x_train)


def test_file_with_wrong_checksum(tmp_path, no_network):
    cifar_archive(tmp_path / ARCHIVE)
    with pytest.raises(ValueError, match="byte for byte") as caught:
        data.load("cifar10", data_dir=tmp_path / "tfds", manual_dir=tmp_path)
    assert str(tmp_path / ARCHIVE) in str(caught.value)
    assert not list((tmp_path / "tfds").rglob("*.array_record*"))


def test_sets_that_tfds_cannot_download(tmp_path, no_network):
    with pytest.raises(ValueError, match="name='imagenet2012', manual_dir="):
        data.load("imagenet2012", data_dir=tmp_path)


def test_interrupted_download(tmp_path, monkeypatch):
    def refuse(self, **arguments):
        raise requests.ConnectionError("reset by peer")

    monkeypatch.setattr(tfds_prepare, "silent_hosts", lambda urls, seconds: {})
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", refuse)
    with pytest.raises(ValueError, match=f"reset by peer.*manual_dir: {ARCHIVE}"):
        data.load("cifar10", data_dir=tmp_path)


def test_downloaded_files_need_no_network(tmp_path, monkeypatch, no_network):
    file = tmp_path / "downloads" / "cifar10" / "some_name.tar.gz"
    file.parent.mkdir(parents=True)
    file.with_name(f"{file.name}.INFO").write_text(json.dumps({"urls": [URL]}))
    prepared = []
    monkeypatch.setattr(
        tfds.core.DatasetBuilder, "download_and_prepare", lambda self, **_: prepared.append(self)
    )
    with pytest.raises(ValueError, match=f"no answer from .*{URL}"):  # a note without its file
        data.load("cifar10", data_dir=tmp_path)
    assert not prepared
    file.write_bytes(b"")
    with contextlib.suppress(Exception):  # nothing was written: loading fails afterwards
        data.load("cifar10", data_dir=tmp_path)
    assert len(prepared) == 1


def test_manual_dir_must_exist(tmp_path):
    with pytest.raises(ValueError, match="manual_dir='/nowhere'"):
        data.load("cifar10", data_dir=tmp_path, manual_dir="/nowhere")
