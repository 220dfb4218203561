"""A file of labels replaces or leaves out training samples, and is refused for other data."""

import hashlib

import numpy as np
import pytest

from cctzoo import data, training
from cctzoo.data.label_file import sample_hash
from tests.data.pictures import load_pictures, save_classes

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files
HEADER = "sample,given,label\n"


@pytest.fixture
def digits():
    return data.load("digits", 0)


def write(folder, *lines, header=HEADER):
    path = folder / "labels.csv"
    path.write_text(header + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_labels_are_replaced_and_left_out(tmp_path, digits):
    given = digits.y_train
    other = (given[7] + 1) % 10
    path = write(tmp_path, f"7,{given[7]},{other}", f"3,{given[3]},")
    found = data.load("digits", 0, labels=path)
    rest = np.delete(np.arange(len(given)), 3)
    np.testing.assert_array_equal(found.x_train, digits.x_train[rest])
    expected = given.copy()
    expected[7] = other
    np.testing.assert_array_equal(found.y_train, expected[rest])
    np.testing.assert_array_equal(found.y_test, digits.y_test)
    held = data.load("digits", labels=path, fold="1/3")
    np.testing.assert_array_equal(held.x_validation, digits.x_train[held.validation_rows])
    np.testing.assert_array_equal(held.y_validation, expected[held.validation_rows])
    assert 3 not in held.validation_rows
    assert found.fingerprint() != digits.fingerprint()


def test_rows_of_a_subset(digits):
    """The numbers are those of the source, whatever is selected."""
    found = data.load("digits", fold="2/3", train_samples=90)
    assert len(found.validation_rows) == 30
    np.testing.assert_array_equal(found.x_validation, digits.x_train[found.validation_rows])


def test_files_and_their_own_validation_part(tmp_path):
    save_classes(tmp_path / "pets/train", {"cat": 4, "dog": 4})
    save_classes(tmp_path / "pets/val", {"cat": 2, "dog": 3})
    save_classes(tmp_path / "pets/test", {"cat": 2, "dog": 2})
    path = write(tmp_path, "0,cat,dog", "5,dog,")
    found = load_pictures(tmp_path / "pets", labels=path)
    assert found.y_train.tolist() == [1, 0, 0, 0, 1, 1, 1]
    assert [found.x_train.source.name(i)[-5] for i in range(7)] == list("0123023")
    assert len(found.x_validation) == 5
    assert not len(found.validation_rows)
    with pytest.warns(UserWarning, match="place of the validation part of .*its 5 samples are not"):
        found = load_pictures(tmp_path / "pets", fold="1/2")
    assert sorted([len(found.x_train), len(found.x_validation)]) == [4, 4]


def test_groups_of_texts_stay_together(tmp_path):
    whole = data.load("docstrings", 0)
    name = whole.classes[whole.y_train[0]]
    other = next(each for each in whole.classes if each != name)
    found = data.load("docstrings", labels=write(tmp_path, f"0,{name},", f"1,{name},{other}"))
    assert len(found.x_train) + len(found.x_validation) == len(whole.x_train) - 1


def test_hashes_guard_against_samples_that_were_added(tmp_path):
    """Another image of the class would take the number of the one that was judged."""
    save_classes(tmp_path / "pets/train", {"cat": 4, "dog": 4})
    save_classes(tmp_path / "pets/test", {"cat": 2, "dog": 2})
    pictures = load_pictures(tmp_path / "pets")
    own = sample_hash(pictures.x_train, 2)
    path = write(tmp_path, f"2,cat,dog,{own}", "3,cat,dog,", header="sample,given,label,hash\n")
    assert load_pictures(tmp_path / "pets", labels=path).y_train.tolist() == [
        0,
        0,
        1,
        1,
        1,
        1,
        1,
        1,
    ]
    (tmp_path / "pets/train/cat/000.png").rename(tmp_path / "pets/train/cat/900.png")
    with pytest.raises(ValueError, match=rf"'hash' must be that .*line 2: sample=2, hash='{own}'"):
        load_pictures(tmp_path / "pets", labels=path)


def test_hashes_of_arrays_and_texts(digits):
    pixels = digits.x_train[5].tobytes()
    assert sample_hash(digits.x_train, 5) == hashlib.sha256(pixels).hexdigest()[:16]
    texts = np.array(["one", "zwölf"], object)
    assert sample_hash(texts, 1) == hashlib.sha256("zwölf".encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("5000,0,1", "'sample' must be the number of a training sample, from 0 to 1437.*line 2"),
        ("-1,0,1", "sample='-1'"),
        ("1.0,0,1", "sample='1.0'"),
        (f"{'9' * 5000},0,1", "'sample' must be the number of a training sample"),
        ("0,a,1", "'given' must be the sample's class.*is the file for other data.*given='a'"),
        ("0,{wrong},1", "'given' must be the sample's class in the data set, '{given}'"),
        ("0,{given},1x", "'label' must be a class of the data set, or empty.*label='1x'"),
        ("0,{given},1\n0,{given},2", "'sample' must not occur twice.*line 3"),
        ("0,{given}", "one field for each of the 3 columns"),
    ],
)
def test_files_that_are_refused(tmp_path, digits, line, message):
    names = {"given": digits.y_train[0], "wrong": (digits.y_train[0] + 1) % 10}
    path = write(tmp_path, line.format(**names))
    with pytest.raises(ValueError, match=message.format(**names)):
        data.load("digits", labels=path)


def test_other_files_that_are_refused(tmp_path, digits):
    with pytest.raises(
        ValueError, match=r"`labels` must be a file that exists\. Received: labels="
    ):
        data.load("digits", labels=tmp_path / "none.csv")
    with pytest.raises(ValueError, match="`labels` must be a file that exists"):
        training.Recipe(labels=tmp_path).check_sources()
    columns = write(tmp_path, "0,1", header="sample,label\n")
    rule = "A file of labels must have a column 'sample', a column 'given' and a column 'label'"
    with pytest.raises(ValueError, match=rule):
        data.load("digits", labels=columns)
    lines = [f"{i},{label}," for i, label in enumerate(digits.y_train)]
    with pytest.raises(ValueError, match="must not leave out all samples"):
        data.load("digits", labels=write(tmp_path, *lines))
    (tmp_path / "bytes.csv").write_bytes(b"sample,given,label\n0,\xff,1\n")
    with pytest.raises(ValueError, match="UTF-8"):
        data.load("digits", labels=tmp_path / "bytes.csv")
