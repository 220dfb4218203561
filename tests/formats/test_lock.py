"""Locks of directories: one writer at a time, and nothing left behind."""

import contextlib
import os
import threading

import pytest

from cctzoo.formats.lock import LOCK, DirectoryInUse, locked
from tests.formats.processes import forked, kill, no_locks

pytestmark = pytest.mark.one_backend("torch")  # no model is involved


@pytest.fixture
def other_process(tmp_path):
    """A process that has locked `tmp_path / "run"`."""
    child = forked(lambda: locked(tmp_path / "run"))
    yield child
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        kill(child)


def test_the_second_process_is_refused_until_the_first_ends(tmp_path, other_process):
    (tmp_path / "link").symlink_to(tmp_path / "run")
    for name in ("run", "link"):
        message = rf"Another process is writing this directory.*/{name}'.*process {other_process} "
        with pytest.raises(DirectoryInUse, match=message), locked(tmp_path / name):
            pass
    assert [path.name for path in (tmp_path / "run").iterdir()] == [LOCK]
    kill(other_process)
    with locked(tmp_path / "run"):
        assert f"process {os.getpid()} on" in (tmp_path / "run" / LOCK).read_text()
    assert not [*(tmp_path / "run").iterdir()]


def test_a_thread_enters_again_and_others_are_refused(tmp_path):
    found = []

    def enter():
        try:
            with locked(tmp_path):
                found.append(None)
        except ValueError as error:
            found.append(error)

    with locked(tmp_path), locked(tmp_path / "." / ".." / tmp_path.name):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        assert isinstance(found[0], DirectoryInUse)
    enter()
    assert found[1] is None
    assert not [*tmp_path.iterdir()]


def test_a_directory_that_stays_empty_is_removed_with_its_new_parents(tmp_path):
    (tmp_path / "runs").mkdir()
    with pytest.raises(KeyError), locked(tmp_path / "runs" / "a" / "b"):
        raise KeyError
    assert not [*(tmp_path / "runs").iterdir()]
    with locked(tmp_path / "runs" / "a" / "b"):
        (tmp_path / "runs" / "a" / "file").touch()
    assert [path.name for path in (tmp_path / "runs" / "a").iterdir()] == ["file"]
    assert (tmp_path / "runs").is_dir()


def test_many_threads_one_at_a_time(tmp_path):
    """The directory and the lock are created and removed again and again."""
    inside, most, entered = [], [], []

    def enter():
        while len(entered) < 200:
            try:
                with locked(tmp_path / "run"):
                    inside.append(1)
                    most.append(len(inside))
                    entered.append(1)
                    inside.pop()
            except DirectoryInUse:
                pass

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(entered) >= 200
    assert {*most} == {1}
    assert not [*tmp_path.glob("run/*")]


def test_a_hostile_owner_is_not_printed(tmp_path, other_process):
    (tmp_path / "run" / LOCK).write_text("process 1 on \x1b]0;title\x07")
    message = "in use by an unknown process"
    with pytest.raises(DirectoryInUse, match=message), locked(tmp_path / "run"):
        pass


def test_without_locks_a_warning(tmp_path, monkeypatch):
    monkeypatch.setattr("cctzoo.formats.lock._lock", no_locks)
    with pytest.warns(UserWarning, match="no other process writes"), locked(tmp_path / "run"):
        (tmp_path / "run" / "file").touch()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["file"]


def test_a_directory_that_is_a_file_or_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    for name in ("file", "file/run"):
        with pytest.raises(OSError, match="file"), locked(tmp_path / name):
            pass
