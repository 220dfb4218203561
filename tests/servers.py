"""HTTP servers of tests, in threads."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def in_a_thread(server: socketserver.BaseServer) -> Iterator[None]:
    """Serves until the block ends, and closes the server."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
