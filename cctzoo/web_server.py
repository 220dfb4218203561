"""A web server for the folder of a page, for this machine only."""

import contextlib
import errno
import http.server
import urllib.parse
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from cctzoo.messages import received
from cctzoo.typing import PathLike

HOST = "127.0.0.1"


class PageServer(http.server.ThreadingHTTPServer):
    """Serves a folder on 127.0.0.1.

    Args:
        folder: the folder.
        port: the port; 0 for a free one.

    Raises:
        ValueError: if the port is out of range.
        OSError: if the port is in use, or must not be used.
    """

    allow_reuse_port = False

    def __init__(self, folder: PathLike, port: int):
        if not 0 <= port < 2**16:
            raise ValueError(f"`port` must be from 0 to 65535. {received(port=port)}")
        try:
            super().__init__((HOST, port), partial(_Handler, directory=str(folder)))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            reason = "in use" if error.errno == errno.EADDRINUSE else "not allowed for this user"
            raise OSError(
                f"The port must be free; give another --port, or --port 0 for any free one. "
                f"Received: --port {port}, which is {reason}"
            ) from error

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}/"


class _Handler(http.server.SimpleHTTPRequestHandler):
    # Python takes types from the system's tables, which may say anything; a browser does not
    # run a module of another type, and compiles WebAssembly of this type as it arrives.
    extensions_map: ClassVar[dict[str, str]] = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".mjs": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
        ".wasm": "application/wasm",
        ".onnx": "application/octet-stream",
        ".tflite": "application/octet-stream",
    }

    def send_head(self) -> Any:
        # A page of another site could reach this server under a name of its own (DNS rebinding).
        name = urllib.parse.urlsplit(f"//{self.headers.get('Host', '')}").hostname
        if name not in (HOST, "localhost"):
            self.send_error(403, "This server answers to 127.0.0.1 and localhost only")
            return None
        if not Path(self.directory).is_dir():
            self.send_error(404, "The folder is gone")
            return None
        return super().send_head()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        with contextlib.suppress(ConnectionError):  # the browser has left the page
            super().copyfile(source, outputfile)

    def list_directory(self, path: Any) -> None:
        self.send_error(404, "There is no such file")

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")  # a new export is seen on reload
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing about requests that succeed; see `log_error`."""

    def log_error(self, format: str, *arguments: Any) -> None:
        super().log_message(format, *arguments)
