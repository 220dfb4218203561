"""Downloads from a local server that is slow, breaks connections, or sends wrong bytes."""

import hashlib
import http.server
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from cctzoo import limits
from cctzoo.formats.torch_file import write_torch_file
from cctzoo.weights import download as module
from cctzoo.weights.download import download
from tests.formats.processes import no_locks

pytestmark = pytest.mark.one_backend("jax")  # the download does not depend on the backend
CHILD = """
import sys
from pathlib import Path
from cctzoo.weights.download import download
download(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """Sends `server.data`; attributes of `server` set the bytes per connection and ranges."""

    def do_GET(self):
        server = self.server
        server.requests.append(self.headers.get("Range"))
        if server.target:
            self.send_response(302)
            self.send_header("Location", server.target)
            return self.end_headers()
        if server.status:
            return self.send_error(server.status)
        start, data = 0, server.data
        if server.ranges and self.headers.get("Range"):
            start = int(re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])[1])
            if start >= len(data):
                return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if server.says_length:
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        sent = data[start : start + server.most] if server.most else data[start:]
        self.wfile.write(sent)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "sound.pth"
    rng = np.random.default_rng(0)
    write_torch_file({f"w{i}": rng.standard_normal(2000).astype("float32") for i in range(9)}, path)
    return path.read_bytes()


@pytest.fixture
def server(checkpoint, monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.data, server.requests, server.status = checkpoint, [], None
    server.target = None
    server.ranges, server.most, server.says_length = True, None, True
    server.url = f"http://127.0.0.1:{server.server_port}/NAME.pth"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def digest(data):
    return hashlib.sha256(data).hexdigest()


def names(folder):
    """What a user sees in the cache."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_download_and_cache(server, checkpoint, tmp_path, caplog):
    path = tmp_path / "cache" / "NAME.pth"
    for _ in range(3):
        assert download(server.url, path, digest(checkpoint), len(checkpoint)) == path
    assert path.read_bytes() == checkpoint
    assert server.requests == [None]
    assert caplog.messages == [f"weights: downloading {server.url}"]
    path.write_bytes(checkpoint[:-1])  # damaged after the download
    download(server.url, path, digest(checkpoint))
    assert path.read_bytes() == checkpoint
    assert names(path.parent) == ["NAME.pth"]


@pytest.mark.parametrize("ranges", [True, False])
def test_broken_connections_are_resumed(ranges, server, checkpoint, tmp_path):
    """A server without ranges is asked again, until there were too many failures."""
    path = tmp_path / "cache" / "NAME.pth"
    server.most, server.ranges = 20_000, ranges
    if ranges:
        download(server.url, path, digest(checkpoint))
        assert path.read_bytes() == checkpoint
        assert server.requests[:3] == [None, "bytes=20000-", "bytes=40000-"]
        return
    with pytest.raises(OSError, match="the connection ended early"):
        download(server.url, path, digest(checkpoint))
    assert len(server.requests) == 1 + module.MAX_FAILURES
    assert names(path.parent) == []
    server.most = None  # on another day it works
    assert download(server.url, path, digest(checkpoint)).read_bytes() == checkpoint


def test_the_part_of_a_killed_process_is_resumed(server, checkpoint, tmp_path):
    path = tmp_path / "cache" / "NAME.pth"
    path.parent.mkdir()
    (path.parent / ".NAME.pth.part").write_bytes(checkpoint[:20_000])
    download(server.url, path, digest(checkpoint))
    assert path.read_bytes() == checkpoint
    assert server.requests == ["bytes=20000-"]


def test_the_part_of_another_file_is_replaced(server, checkpoint, tmp_path):
    """Such a part costs a second download, not an error."""
    path = tmp_path / "cache" / "NAME.pth"
    path.parent.mkdir()
    for part in (b"x" * 100, b"x" * len(checkpoint), b"x" * 10**6, checkpoint):
        (path.parent / ".NAME.pth.part").write_bytes(part)
        download(server.url, path, digest(checkpoint))
        assert path.read_bytes() == checkpoint
        path.unlink()


@pytest.mark.parametrize("known", [True, False])
def test_wrong_bytes(known, server, checkpoint, tmp_path):
    path = tmp_path / "cache" / "NAME.pth"
    expected = digest(checkpoint) if known else None
    server.data = checkpoint[:30_000] + b"\xff" + checkpoint[30_001:]
    for _ in range(2):
        with pytest.raises(
            ValueError, match=r"The server sent another file than .*Received: "
        ) as error:
            download(server.url, path, expected)
        assert server.url in str(error.value)
        assert not known or (
            expected in str(error.value) and digest(server.data) in str(error.value)
        )
        assert not [*path.parent.iterdir()]
    server.data = b"<html>moved</html>"
    with pytest.raises(ValueError, match="The server sent another file than"):
        download(server.url, path, expected)
    server.data = checkpoint
    download(server.url, path, expected)
    assert path.read_bytes() == checkpoint


def test_first_hash_is_stored_if_none_is_published(server, checkpoint, tmp_path, caplog):
    path = tmp_path / "NAME.pth"
    download(server.url, path)
    said = f"no SHA-256 of NAME.pth is published; the downloaded file has {digest(checkpoint)}"
    assert f"weights: {said}" in caplog.messages
    assert (tmp_path / "NAME.pth.sha256").read_text().strip() == digest(checkpoint)
    damaged = bytearray(checkpoint)
    damaged[-100_00] ^= 1
    path.write_bytes(damaged)
    download(server.url, path)
    assert path.read_bytes() == checkpoint
    path.unlink()
    write_torch_file({"other": np.zeros(3, "float32")}, tmp_path / "other")
    server.data = (tmp_path / "other").read_bytes()
    with pytest.raises(ValueError, match=rf"{digest(checkpoint)}.*remove .*NAME\.pth\.sha256"):
        download(server.url, path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": 404}, "HTTP Error 404"),
        ({"status": 503}, "HTTP Error 503"),
    ],
)
def test_server_errors(changes, reason, server, tmp_path):
    vars(server).update(changes)
    path = tmp_path / "cache" / "NAME.pth"
    with pytest.raises(OSError, match=rf"Without internet access, download .*{reason}") as error:
        download(server.url, path, "0" * 64)
    assert server.url in str(error.value)
    assert str(path) in str(error.value)
    assert names(path.parent) == []


def test_sizes(server, checkpoint, tmp_path):
    path = tmp_path / "NAME.pth"
    with pytest.raises(ValueError, match=f"of {len(checkpoint)} bytes, listed: 10"):
        download(server.url, path, digest(checkpoint), 10)
    server.says_length = False
    with pytest.raises(ValueError, match="of None bytes"):
        download(server.url, path, digest(checkpoint))
    assert download(server.url, path, digest(checkpoint), len(checkpoint)) == path


def test_offline(tmp_path):
    with pytest.raises(OSError, match=r"could not be downloaded.*save it as .*NAME\.pth"):
        download("http://127.0.0.1:1/NAME.pth", tmp_path / "NAME.pth", "0" * 64)
    assert names(tmp_path) == []


def test_without_locks(server, checkpoint, tmp_path, monkeypatch):
    """Each process downloads its own part."""
    monkeypatch.setattr("cctzoo.formats.lock._lock", no_locks)
    server.most = 20_000
    path = tmp_path / "NAME.pth"
    assert download(server.url, path, digest(checkpoint)).read_bytes() == checkpoint
    assert sorted(p.name for p in tmp_path.iterdir()) == ["NAME.pth", "sound.pth"]


def test_two_processes_at_once(server, checkpoint, tmp_path):
    """One downloads, over a connection that breaks; the other waits and finds the file."""
    path = tmp_path / "cache" / "NAME.pth"
    server.most = 20_000
    command = [sys.executable, "-c", CHILD, server.url, str(path), digest(checkpoint)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    children = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    outputs = [child.communicate() for child in children]
    assert [child.returncode for child in children] == [0, 0], outputs
    assert path.read_bytes() == checkpoint
    assert server.requests.count(None) == 1
    assert len(server.requests) == -(-len(checkpoint) // server.most)


def test_fetch_uses_keras_cache(server, checkpoint, tmp_path, monkeypatch):
    from cctzoo.weights import fetch, registry

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    row = registry.published_row("cct_7_3x1_32", "test", "cifar10", None, file="NAME")
    monkeypatch.setitem(registry.WEIGHTS, row.tag, row)
    assert row.url == "https://shi-labs.com/projects/cct/checkpoints/NAME.pth"
    assert row.path == Path(tmp_path, "home", "cctzoo", "NAME.pth")
    row.path.parent.mkdir(parents=True)
    row.path.write_bytes(checkpoint)  # put there by hand
    assert fetch("cct_7_3x1_32.test") == row.path
    assert server.requests == []


@pytest.mark.one_backend("torch")
@pytest.mark.parametrize("target", ["ftp://127.0.0.1/a", "https://127.0.0.1/a"])
def test_redirections_keep_the_scheme(target, server, tmp_path):
    server.target = target
    with pytest.raises(ValueError, match=f"a redirection from .* to '{target}'"):
        download(server.url, tmp_path / "a.pth")
    assert not (tmp_path / "a.pth").exists()


@pytest.mark.one_backend("torch")
def test_a_download_has_a_limit(server, tmp_path):
    with limits.raised(array_bytes=1000), pytest.raises(ValueError, match="the limit `array_byte"):
        download(server.url, tmp_path / "a.pth")
