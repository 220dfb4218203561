"""Atomic writing: the old content or the complete new content, and no draft left."""

import contextlib
import errno
import json
import os
import threading
from pathlib import Path

import pytest

from cctzoo.formats.atomic import (
    atomic_file,
    atomic_folder,
    draft_folder,
    write_json,
    write_text,
)
from tests.formats.processes import forked, kill, no_locks

pytestmark = pytest.mark.one_backend("torch")  # no model is involved


def content(folder):
    """Relative path -> text of each file below a folder, hidden files included."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_text() for name, path in files.items()}


def test_a_file_is_replaced_at_the_end(tmp_path):
    path = tmp_path / "figures.json"
    path.write_text("old")
    with atomic_file(path) as draft:
        assert draft.suffix == ".json"
        assert not draft.exists()
        draft.write_text("new")
        assert path.read_text() == "old"
    assert content(tmp_path) == {"figures.json": "new"}
    assert [*tmp_path.iterdir()] == [path]


def test_files_next_to_the_draft_move_with_it(tmp_path):
    (tmp_path / "model.bin").write_text("old weights")
    with atomic_file(tmp_path / "model.xml") as draft:
        draft.write_text("graph")
        draft.with_suffix(".bin").write_text("weights")
    assert content(tmp_path) == {"model.xml": "graph", "model.bin": "weights"}


def write_half(path, failure):
    with atomic_file(path) as draft:
        draft.write_text("half")
        raise failure


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failing_block_leaves_the_old_file(tmp_path, failure):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(failure):
        write_half(tmp_path / "a.txt", failure)
    assert content(tmp_path) == {"a.txt": "old"}
    assert len([*tmp_path.iterdir()]) == 1


def test_a_draft_that_was_not_written_is_an_error(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "a.txt"):
        pass
    assert content(tmp_path) == {"a.txt": "old"}


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "saved"
    for files in (["a", "b"], ["b", "c"]):
        with atomic_folder(path) as draft:
            assert not [*draft.iterdir()]
            for name in files:
                (draft / name).write_text(name)
        assert sorted(content(path)) == files
    assert [*tmp_path.iterdir()] == [path]


def test_a_failing_block_leaves_the_old_folder(tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "a").write_text("old")
    draft = atomic_folder(tmp_path / "saved")
    with pytest.raises(FileNotFoundError), draft as folder:
        (folder / "nowhere" / "a").write_text("half")
    assert content(tmp_path) == {"saved/a": "old"}


def test_the_old_folder_returns_if_the_new_one_cannot_move(tmp_path, monkeypatch):
    path = tmp_path / "saved"
    path.mkdir()
    (path / "a").write_text("old")
    rename = Path.rename

    def fail_for_the_draft(self, target):
        if Path(target) == path and self.name == "saved":
            raise OSError("the draft cannot move")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_draft)
    with pytest.raises(OSError, match="cannot move"), atomic_folder(path) as draft:
        (draft / "a").write_text("new")
    monkeypatch.undo()
    assert content(tmp_path) == {"saved/a": "old"}


def test_a_folder_is_readable_by_others(tmp_path):
    """As one made by `mkdir`; the hidden folder around the draft is the owner's only."""
    (tmp_path / "plain").mkdir()
    with atomic_folder(tmp_path / "saved"):
        pass
    modes = [(tmp_path / name).stat().st_mode for name in ("plain", "saved")]
    assert modes[0] == modes[1]


def test_text_and_json(tmp_path):
    write_text(tmp_path / "a.txt", "naïve 猫")
    assert (tmp_path / "a.txt").read_bytes() == "naïve 猫".encode()
    write_json(tmp_path / "a.json", {"rows": [1, None]})
    text = (tmp_path / "a.json").read_text()
    assert (json.loads(text), text[-1]) == ({"rows": [1, None]}, "\n")


def test_lists_of_numbers_take_one_line(tmp_path):
    figures = {"rows": [[1, -2.5], [3e-05, 4]], "text": "[ 1,  2 ]", "lists": ["[\n 1]", []]}
    write_json(tmp_path / "a.json", figures)
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == figures
    assert "    [1, -2.5],\n    [3e-05, 4]\n" in text


@contextlib.contextmanager
def half_written(function, path, replacing=False):
    """A draft with some content; in a process that is killed here, nothing is cleaned up."""
    with function(path) as draft:
        (draft / "half" if function is atomic_folder else draft).write_text("half")
        if replacing:
            path.rename(draft.with_name(f"old {path.name}"))
        yield


def test_the_next_write_removes_the_drafts_of_killed_processes(tmp_path):
    """Drafts that are in use stay: of another process, and of another thread of this one."""
    first = forked(lambda: half_written(atomic_file, tmp_path / "a.txt"))
    kill(forked(lambda: half_written(atomic_folder, tmp_path / "saved")))
    assert len([*tmp_path.iterdir()]) == 4  # a folder and its lock each
    with draft_folder(tmp_path) as folder:
        thread = threading.Thread(target=write_text, args=(tmp_path / "b.txt", "kept"))
        thread.start()
        thread.join()
        assert folder.is_dir()
        assert len([*tmp_path.iterdir()]) == 5
    kill(first)
    write_text(tmp_path / "b.txt", "kept")
    assert content(tmp_path) == {"b.txt": "kept"}
    assert len([*tmp_path.iterdir()]) == 1


def test_a_folder_that_was_being_replaced_returns(tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "a").write_text("old")
    kill(forked(lambda: half_written(atomic_folder, tmp_path / "saved", replacing=True)))
    assert not (tmp_path / "saved").exists()
    write_text(tmp_path / "b.txt", "kept")
    assert content(tmp_path) == {"b.txt": "kept", "saved/a": "old"}


def test_what_only_looks_like_a_draft_stays(tmp_path):
    """A folder from elsewhere may hold links to places that are not to be touched."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "old a.txt").write_text("kept")
    (tmp_path / ".cctzoo-draft-1").symlink_to(other)
    (tmp_path / ".cctzoo-draft-1.lock").touch()
    (tmp_path / ".cctzoo-draft-2.lock").symlink_to(other / "old a.txt")
    (tmp_path / ".cctzoo-draft-notes").mkdir()
    write_text(tmp_path / "b.txt", "kept")
    assert content(other) == {"old a.txt": "kept"}
    assert (tmp_path / ".cctzoo-draft-notes").is_dir()


def test_two_writers_of_a_folder(tmp_path):
    """The last one wins, or is refused."""
    path = tmp_path / "saved"

    def write(name, **options):
        with atomic_folder(path, **options) as draft:
            (draft / name).write_text(name)
            if name == "first":
                write("second", **options)

    write("first")
    assert content(tmp_path) == {"saved/first": "first"}
    path = tmp_path / "new"
    with pytest.raises(ValueError, match=r"must not exist yet.*/new'.*another process"):
        write("first", replace=False)
    assert content(path) == {"second": "second"}
    assert len([*tmp_path.iterdir()]) == 2


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, None])
def test_errors_name_the_file(tmp_path, number):
    """The error of a full disk comes without a name, and that of a draft has the draft's."""
    arguments = (number, os.strerror(number)) if number else ("file write failed",)
    with pytest.raises(OSError, match=r"/a\.txt'") as raised:
        write_half(tmp_path / "a.txt", OSError(*arguments))
    assert raised.value.errno == number
    with pytest.raises(FileNotFoundError) as raised, atomic_file(tmp_path / "a.txt") as draft:
        (draft / "b").write_text("half")
    assert raised.value.filename == str(tmp_path / "a.txt")
    with pytest.raises(FileNotFoundError) as raised:
        write_half(tmp_path / "a.txt", FileNotFoundError(2, "No such file", "other"))
    assert raised.value.filename == "other"
    assert not [*tmp_path.iterdir()]


def test_without_locks_drafts_are_written_and_stay_after_a_kill(tmp_path, monkeypatch):
    kill(forked(lambda: half_written(atomic_file, tmp_path / "a.txt")))
    monkeypatch.setattr("cctzoo.formats.lock._lock", no_locks)
    write_text(tmp_path / "b.txt", "kept")
    assert len([*tmp_path.iterdir()]) == 3
    assert (tmp_path / "b.txt").read_text() == "kept"
