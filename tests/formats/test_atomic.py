"""Atomic writing: the old content or the complete new content, and no draft left."""

import json
from pathlib import Path

import pytest

from cctzoo.formats.atomic import (
    atomic_file,
    atomic_folder,
    remove_drafts,
    write_json,
    write_text,
)

pytestmark = pytest.mark.one_backend("jax")  # no model is involved


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


def test_drafts_of_a_killed_process_are_removed(tmp_path):
    write_text(tmp_path / "a.txt", "kept")
    (tmp_path / ".draft-killed").mkdir()
    (tmp_path / ".draft-killed" / "b.txt").write_text("half")
    (tmp_path / ".draft-b.txt").write_text("half")
    remove_drafts(tmp_path)
    assert content(tmp_path) == {"a.txt": "kept"}
    assert len([*tmp_path.iterdir()]) == 1
