"""The server of a page, and the command that starts it."""

import contextlib
import http.client
import sys
import webbrowser

import pytest

from cctzoo import export
from cctzoo.commands import main as command
from cctzoo.web_server import PageServer
from tests.servers import in_a_thread

pytestmark = pytest.mark.one_backend("torch")


@pytest.fixture
def page(tmp_path):
    folder = tmp_path / "page"
    (folder / "js").mkdir(parents=True)
    names = ("index.html", "model.json", "model.tflite", "style.css", "icon.svg", "a.wasm", "b.mjs")
    for name in (*names, "js/main.js"):
        (folder / name).write_text(name)
    return folder


@contextlib.contextmanager
def running(folder):
    with PageServer(folder, 0) as server, in_a_thread(server):
        yield server


def get(server, path, host="127.0.0.1"):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request("GET", path, headers={"Host": host})
    with contextlib.closing(connection):
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def test_files_have_the_types_that_browsers_require(page):
    with running(page) as server:
        assert server.url == f"http://127.0.0.1:{server.server_port}/"
        types = {
            name: get(server, f"/{name}")[1]["Content-Type"]
            for name in ("", "js/main.js", "a.wasm", "b.mjs", "model.json", "model.tflite")
        }
    assert types == {
        "": "text/html; charset=utf-8",
        "js/main.js": "text/javascript; charset=utf-8",
        "a.wasm": "application/wasm",
        "b.mjs": "text/javascript; charset=utf-8",
        "model.json": "application/json",
        "model.tflite": "application/octet-stream",
    }


def test_only_this_machine_gets_only_files_of_the_folder(page, capsys):
    (page.parent / "secret.txt").write_text("secret")
    with running(page) as server:
        port = server.server_port
        assert get(server, "/", f"localhost:{port}")[0] == 200
        for host in ("evil.example", f"evil.example:{port}", ""):
            assert get(server, "/", host)[0] == 403
        for path in ("/js/", "/../secret.txt", "/%2e%2e/secret.txt", "/missing"):
            assert get(server, path)[0] == 404, path
        headers = get(server, "/")[1]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


def test_a_port_in_use_or_out_of_range_is_named(page):
    with (
        PageServer(page, 0) as server,
        pytest.raises(OSError, match=rf"Received: --port {server.server_port}, which is in use"),
    ):
        PageServer(page, server.server_port)
    with pytest.raises(ValueError, match=r"from 0 to 65535. Received: port=65536"):
        PageServer(page, 65536)


@pytest.fixture
def served(monkeypatch):
    """The folders that were served, the pages that were opened; Ctrl-C ends the server at once."""
    found = {"folders": [], "opened": []}

    def serve_forever(server):
        found["folders"].append(server.RequestHandlerClass.keywords["directory"])
        raise KeyboardInterrupt

    monkeypatch.setattr(PageServer, "serve_forever", serve_forever)
    monkeypatch.setattr(webbrowser, "open", found["opened"].append)
    monkeypatch.setattr(sys, "argv", ["cctzoo"])
    return found


def test_serve_shows_a_folder(page, served, capsys):
    command.main(["serve", str(page), "--port", "0"])
    assert served["folders"] == [str(page)]
    (url,) = served["opened"]
    assert f"{url} (Ctrl-C ends)" in capsys.readouterr().out
    command.main(["serve", str(page), "--port", "0", "--no-open"])
    assert len(served["opened"]) == 1


def test_serve_exports_a_model_first(served, monkeypatch, tmp_path, capsys):
    def to_web(model, folder, **options):
        calls.append((model.name, folder, options))
        return "the report"

    calls = []
    monkeypatch.setattr(export, "to_web", to_web)
    words = ["--port", "0", "--no-open", "--runtime", "onnx", "--no-heads"]
    command.main(["serve", "cct_2_3x2_32.digits", *words, "--runtime-files", str(tmp_path)])
    ((name, folder, options),) = calls
    assert name == "cct_2_3x2_32"
    assert served["folders"] == [str(folder)]
    assert not folder.parent.exists()
    assert options == {"runtime": "onnx", "runtime_files": tmp_path, "heads": False}
    assert "the report" in capsys.readouterr().out


def test_serve_refuses_what_is_no_model(served, capsys, tmp_path):
    with pytest.raises(SystemExit) as end:
        command.main(["serve", str(tmp_path / "nothing"), "--port", "0"])
    assert end.value.code == 2
    assert "nothing" in capsys.readouterr().err


def test_export_writes_a_page(monkeypatch, tmp_path, capsys):
    def to_web(model, folder, **options):
        calls.append((folder, options))
        return "the report"

    calls = []
    monkeypatch.setattr(export, "to_web", to_web)
    monkeypatch.setattr(sys, "argv", ["cctzoo"])
    words = ["--format", "web", "--no-data", "--to", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as end:
        command.main(["export", "cct_2_3x2_32.digits", *words])
    assert end.value.code == 0
    options = {"runtime": "litert", "runtime_files": None, "heads": True}
    assert calls == [(tmp_path / "out" / "web", options)]
