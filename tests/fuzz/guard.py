"""Watches a block of code: its time and memory, and what it executes and writes."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.cases import Fault, memory, time_limit

SECONDS = 10
MEMORY = 500 * 2**20  # bytes more than before the block
# Events of `sys.audit` that no reader may cause.
FORBIDDEN = (
    *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn"),
    *("subprocess.Popen", "socket.connect", "socket.bind", "socket.getaddrinfo", "webbrowser.open"),
    *("pickle.find_class", "marshal.loads", "ctypes.dlopen", "code.__new__", "urllib.Request"),
)
WRITING = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod")
CREATING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Guard:
    """Installs a hook, which stays for the life of the process, and watches blocks by it.

    Args:
        folder: the only folder in which a block may write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = os.path.realpath(folder)
        self._armed = False
        self._seen = []
        sys.addaudithook(self._hook)

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Raises Fault after a block that did what it must not do, or TimeoutError in it."""
        _reset_peak()
        before, start = memory("VmRSS"), time.monotonic()
        self._seen, self._armed = [], True
        try:
            with time_limit(SECONDS):
                yield
        finally:
            self._armed = False
            seconds, grown = time.monotonic() - start, memory("VmHWM") - before
        if self._seen:
            raise Fault(f"it must do nothing but read: {self._seen[:3]}")
        if seconds > SECONDS or grown > MEMORY:
            raise Fault(f"took {seconds:.1f} s and {grown / 2**20:.0f} MB")

    def _hook(self, event, arguments):
        if not self._armed:
            return
        if event in FORBIDDEN and not _imports(event):
            self._seen.append(f"{event} {arguments!r:.100}")
        elif event == "exec" and not os.path.isfile(arguments[0].co_filename):
            self._seen.append(f"exec of {arguments[0].co_filename}")
        elif event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes | os.PathLike) and (flags or 0) & CREATING:
                self._check(event, path)
        elif event in WRITING:
            folder = arguments[-1]  # an open one, to which the path is relative, or -1
            inside = f"/proc/self/fd/{folder}" if isinstance(folder, int) and folder >= 0 else ""
            self._check(event, os.path.join(inside, os.fsdecode(arguments[0])))

    def _check(self, event, path):
        place = os.path.realpath(os.fsdecode(path))
        if not place.startswith(self.folder) and place != os.devnull:
            self._seen.append(f"{event} {place}")


def _imports(event):
    """Whether a module is being imported, which reads its compiled code by marshal."""
    if event not in ("marshal.loads", "ctypes.dlopen"):
        return False
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _reset_peak():
    Path("/proc/self/clear_refs").write_text("5")
