"""Data sets in tar files in the layout of WebDataset."""

import io
import json
import pickle
import tarfile

import numpy as np
import pytest
from PIL import Image

from cctzoo import data
from cctzoo.data.sources import read_images, shards

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files


@pytest.fixture(autouse=True)
def index_of_small_shards(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(shards, "LEAST", 4)


@pytest.fixture
def decoded(monkeypatch):
    names, decode = [], read_images.decode

    def counting(content, name, **options):
        names.append(name)
        return decode(content, name, **options)

    monkeypatch.setattr(read_images, "decode", counting)
    return names


def picture(seed, size=(9, 8)):
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), "uint8")
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def write_shard(path, files):
    """Writes {name: content} as a tar file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def samples(labels, seed=0, suffix="cls"):
    files = {}
    for i, label in enumerate(labels):
        files[f"{seed:03}{i}.png"] = picture(100 * seed + i)
        text = json.dumps({"label": label, "width": 9}) if suffix == "json" else f"{label}\n"
        files[f"{seed:03}{i}.{suffix}"] = text.encode()
    return files


def test_parts_in_the_names_of_the_shards(tmp_path):
    for seed, part in enumerate(("train-000", "train-001", "validation-000", "test-000")):
        write_shard(tmp_path / f"pets-{part}.tar", samples([0, 1, 2, 0, 1], seed))
    (tmp_path / "classnames.txt").write_text("cat\ndog\nél\n", "utf-8")
    found = data.load(f"webdataset:{tmp_path}", image_size=8)
    assert found.classes == ["cat", "dog", "él"]
    assert (len(found.x_train), len(found.x_validation), len(found.x_test)) == (10, 5, 5)
    np.testing.assert_array_equal(found.y_train, [0, 1, 2, 0, 1] * 2)
    expected = np.asarray(Image.open(io.BytesIO(picture(101))))
    np.testing.assert_array_equal(np.asarray(found.x_train.open(6)), expected)
    assert found.x_train.source.name(6) == f"{tmp_path}/pets-train-001.tar/0011.png"
    copy = pickle.loads(pickle.dumps(found.x_train))[5:]
    np.testing.assert_array_equal(copy.batch([1, 0]), found.x_train.batch([6, 5]))


def test_parts_in_folders_and_labels_in_json(tmp_path, caplog):
    for seed, part in enumerate(("train", "val")):
        files = samples(["dog", "cat", "cat"], seed, "json") | {
            "readme": b"",
            f"{seed:03}0.txt": b"",
        }
        write_shard(tmp_path / part / "0.tar", files)
    with caplog.at_level("INFO"):
        found = data.load(f"webdataset:{tmp_path}", image_size=8)
    assert found.classes == ["cat", "dog"]
    assert "4 files are not read" in caplog.text
    assert "2 without a suffix, 2 .txt" in caplog.text
    assert (len(found.x_train), len(found.x_test), len(found.x_validation)) == (2, 1, 3)


def test_without_parts_a_fifth_is_the_test_part(tmp_path):
    write_shard(tmp_path / "a.tar", samples([0, 3] * 5))
    with pytest.warns(UserWarning, match="2 of the 4 classes .* have no training sample"):
        found = data.load(f"webdataset:{tmp_path}", image_size=8, validation=0)
    assert found.classes == ["0", "1", "2", "3"]
    assert (len(found.x_train), len(found.x_test)) == (8, 2)


def test_only_changed_shards_are_read_again(tmp_path, decoded):
    for seed in (0, 1):
        write_shard(tmp_path / f"{seed}.tar", samples([0, 1, 0, 1, 1], seed))
    first = data.load(f"webdataset:{tmp_path}", image_size=8)
    assert len(decoded) == 10
    decoded.clear()
    second = data.load(f"webdataset:{tmp_path}", image_size=8)
    assert decoded == []
    assert first.fingerprint() == second.fingerprint()
    np.testing.assert_array_equal(first.x_train.batch([0, 2]), second.x_train.batch([0, 2]))
    write_shard(tmp_path / "1.tar", samples([1, 0, 0, 1, 1], 2))
    third = data.load(f"webdataset:{tmp_path}", image_size=8)
    assert sorted(decoded) == [f"{tmp_path}/1.tar/002{i}.png" for i in range(5)]
    assert third.fingerprint() != second.fingerprint()


def test_unreadable_images(tmp_path):
    files = samples([0, 1] * 4) | {"0000.png": b"no image"}
    write_shard(tmp_path / "a.tar", files)
    with pytest.raises(ValueError, match=r"1 of 8 images are unreadable: .*/a\.tar/0000\.png"):
        data.load(f"webdataset:{tmp_path}")
    with pytest.warns(UserWarning, match="1 of 8 images cannot be read and are skipped"):
        found = data.load(f"webdataset:{tmp_path}", image_size=8, skip_unreadable=True)
    assert len(found.x_train) + len(found.x_validation) + len(found.x_test) == 7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x.png": b""}, "sample 'x' has .png"),
        ({"x.cls": b"1"}, "sample 'x' has .cls"),
        ({"0000.jpg": b""}, "sample '0000' has .png, .cls, .jpg"),
        ({"0000.PNG": b""}, "'0000.PNG' occurs again"),
        ({"0000.cls": b" "}, "must be an integer or a text, not ' '"),
        ({"0000.cls": b"\xff"}, "codec"),
        ({"0000.cls": b"1" * 1001}, "must have at most 1000 bytes, not 1001"),
        ({"x.png": b"", "x.json": b"[1]"}, "must be a JSON object"),
        ({"x.png": b"", "x.json": b'{"label": true}'}, "an integer or a text, not True"),
        ({"x.png": b"", "x.json": b"{}"}, "an integer or a text, not None"),
    ],
)
def test_samples_of_another_form(tmp_path, change, message):
    write_shard(tmp_path / "a.tar", samples([0, 1, 0]) | change)
    with pytest.raises(ValueError, match=message) as caught:
        data.load(f"webdataset:{tmp_path}")
    assert f"shard='{tmp_path}/a.tar'" in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ([0, -1], None, r"the labels \['-1'\]"),
        ([0, 2], "a\nb\n", r"of its 2 classes.*the labels \['2'\]"),
        (["a", "c"], "a\nb\n", r"the labels \['c'\]"),
        ([10**15, 0], None, "number of classes must be at most"),
        ([0, 0], None, "at least two classes"),
        ([0, 1], "a\na\n", r"classnames\.txt"),
        ([0, 1], "a\n\nb\n", r"classnames\.txt"),
    ],
)
def test_labels_that_are_no_classes(tmp_path, labels, names, message):
    write_shard(tmp_path / "a.tar", samples(labels * 3))
    if names:
        (tmp_path / "classnames.txt").write_text(names)
    with pytest.raises(ValueError, match=message):
        data.load(f"webdataset:{tmp_path}", image_size=8)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "no .tar file"),
        (["a.tar.gz"], "must be uncompressed .tar files"),
        (["train.tar", "b.tar"], "'train': 1, 'without a part': 1|'without a part': 1, 'train': 1"),
        (["val.tar", "test.tar"], "with a training part"),
        (["train/test-0.tar"], "names test and train"),
    ],
)
def test_folders_that_are_no_data_set(tmp_path, names, message):
    for name in names:
        write_shard(tmp_path / name, samples([0, 1]))
    with pytest.raises(ValueError, match=message):
        data.load(f"webdataset:{tmp_path}")


def test_files_that_are_no_shards(tmp_path):
    path = tmp_path / "a.tar"
    write_shard(path, samples([0, 1] * 3))
    whole = path.read_bytes()
    for content in (b"", b"x" * 2000, whole[:5000], whole[: whole.index(b"0005.cls") + 512]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"must be a shard of WebDataset.*a\.tar"):
            data.load(f"webdataset:{tmp_path}")
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("0000.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(ValueError, match=r"no links; '0000\.png' is none"):
        data.load(f"webdataset:{tmp_path}")


def test_shards_in_a_folder_data_set_are_named(tmp_path):
    write_shard(tmp_path / "a.tar", samples([0, 1]))
    with pytest.raises(ValueError, match="write 'webdataset:PATH'"):
        data.load(f"folder:{tmp_path}")
