"""Texts in CSV and JSON Lines files: parts, classes, and every fault with its line."""

import csv
import json
import re

import numpy as np
import pytest

from cctzoo import data

pytestmark = pytest.mark.one_backend("jax")  # NumPy and files

PARTS = ("train", "validation", "test")
ROWS = [
    {"text": f"text {i}", "label": ("bad", "good")[i % 2], "split": PARTS[i % 5 // 2]}
    for i in range(20)
]


def write(path, rows=ROWS):
    """Writes rows (dicts with equal keys) in the format of the suffix; returns the name."""
    kind = path.suffix[1:]
    with open(path, "w", encoding="utf-8", newline="") as stream:
        if kind == "csv":
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        else:
            stream.writelines(json.dumps(row) + "\n" for row in rows)
    return f"{kind}:{path}"


def without_split(rows):
    return [{key: value for key, value in row.items() if key != "split"} for row in rows]


@pytest.fixture(params=["csv", "jsonl"])
def path(request, tmp_path):
    return tmp_path / f"set.{request.param}"


def test_parts_of_the_file(path):
    loaded = data.load(write(path), validation=0.5)  # the file's own part counts
    assert loaded.kind == "texts"
    assert loaded.classes == ["bad", "good"]
    for part in PARTS:
        rows = [row for row in ROWS if row["split"] == part]
        x, y = getattr(loaded, f"x_{part}"), getattr(loaded, f"y_{part}")
        assert (x.dtype, y.dtype) == (object, np.int64)
        assert list(x) == [row["text"] for row in rows]
        assert [loaded.classes[label] for label in y] == [row["label"] for row in rows]
    few = data.load(write(path), train_samples=4, test_samples=2)
    assert (len(few.x_train), len(few.x_validation), len(few.x_test)) == (4, 8, 2)


def test_other_names_of_parts(path):
    names = {"train": "Training", "validation": "dev", "test": " TESTING"}
    loaded = data.load(write(path, [row | {"split": names[row["split"]]} for row in ROWS]))
    expected = data.load(write(path))
    for part in PARTS:
        assert list(getattr(loaded, f"x_{part}")) == list(getattr(expected, f"x_{part}"))


def test_long_texts(path):
    limit = csv.field_size_limit()
    text = "word, " * 50_000
    loaded = data.load(write(path, [*ROWS, ROWS[0] | {"text": text}]))
    assert text in loaded.x_train
    assert csv.field_size_limit() == limit


def test_validation_part_is_held_out_of_train(path):
    rows = [row | {"split": row["split"].replace("validation", "train")} for row in ROWS]
    loaded = data.load(write(path, rows), validation=0.25)
    assert (len(loaded.x_train), len(loaded.x_validation), len(loaded.x_test)) == (12, 4, 4)
    np.testing.assert_array_equal(np.bincount(loaded.y_validation), [2, 2])
    assert {*loaded.x_train, *loaded.x_validation} == {
        row["text"] for row in rows if row["split"] == "train"
    }


def test_file_without_split(path):
    name = write(path, without_split(ROWS))
    first, second = (data.load(name, validation=0.25, seed=seed) for seed in (0, 1))
    assert (len(first.x_train), len(first.x_validation), len(first.x_test)) == (12, 4, 4)
    np.testing.assert_array_equal(np.bincount(first.y_test), [2, 2])
    np.testing.assert_array_equal(first.x_test, second.x_test)
    assert set(first.x_validation) != set(second.x_validation)
    everything = [*first.x_train, *first.x_validation, *first.x_test]
    assert sorted(everything) == sorted(row["text"] for row in ROWS)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ((10, 9), ["9", "10"]),
        (("10", "-9"), ["-9", "10"]),
        (("10", "9a"), ["10", "9a"]),
        (("b", "C"), ["C", "b"]),
        (("é", " a "), ["a", "é"]),
    ],
)
def test_order_of_classes(path, labels, classes):
    rows = [{"text": str(labels[i % 2]).strip(), "label": labels[i % 2]} for i in range(20)]
    loaded = data.load(write(path, rows))
    assert loaded.classes == classes
    assert list(loaded.x_train) == [classes[label] for label in loaded.y_train]


def test_texts_are_unchanged(path):
    texts = ["", 'a "quoted", text', "two\nlines\r\n", "nul\0", "مرحبا 😀\u2028end", "\ufeff"]
    rows = [{"note": "?", "label": i % 2, "text": text} for i, text in enumerate(texts * 3)]
    loaded = data.load(write(path, rows), validation=0)
    assert sorted([*loaded.x_train, *loaded.x_test]) == sorted(texts * 3)


def test_byte_order_mark_and_blank_lines(path):
    name = write(path)
    lines = path.read_bytes().replace(b"\r\n", b"\n").split(b"\n")
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n\r\n".join(lines))
    assert len(data.load(name, validation=0).x_train) == 8


def assert_refused(path, content, received):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=re.escape(f"Received: {path}{received}")):
        data.load(f"{path.suffix[1:]}:{path}")


@pytest.mark.parametrize(
    ("content", "received"),
    [
        ("", " without texts"),
        ("text,label\n", " without texts"),
        ("text,class\na,b\n", ", line 1: columns ['text', 'class']"),
        ("a,b\nc,d\n", ", line 1: columns ['a', 'b']"),
        ("label,text,text\na,b,c\n", ", line 1: columns ['label', 'text', 'text']"),
        ("text,label\na,b\nc\n", ", line 3: 1 fields"),
        ("text,label\na,b\nc,d,e\n", ", line 3: 3 fields"),
        ('text,label\n"a\nb",c\n\nd,\n', ", line 5: label=''"),
        ('text,label\na,b\n"c"d,e\n', ", line 3: ',' expected after '\"'"),
        ('text,label\na,b\n"c,d\n', ", line 3: unexpected end of data"),
        ("text,label\na,1\nb,1\n", " with ['1']"),
        ("text,label,split\na,b,train\nc,d,eval\n", ", line 3: split='eval'"),
        ("text,label,split\na,b,train\nc,d,\n", ", line 3: split=''"),
        ("text,label,split\na,b,train\nc,d,test\n", ", line 3: label='d', split='test'"),
        ("text,label,split\na,b,train\nc,d,train\n", " with split='test' in no line"),
        ("text,label,split\na,b,test\nc,d,test\n", ", line 2: label='b', split='test'"),
        (b"text,label\na,b\nc\xff,d\n", ", line 3: 'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_invalid_csv(tmp_path, content, received):
    assert_refused(tmp_path / "set.csv", content, received)


@pytest.mark.parametrize(
    ("content", "received"),
    [
        ("\n \n", " without texts"),
        ('{"text": "a", "label": 1}\n\n{"text": "b", "label": 2\n', ", line 3: Expecting ',' del"),
        ('["a", 1]\n', ", line 1: it must be a JSON object, not ['a', 1]"),
        ("[" * 10**5, ", line 1: "),
        ('{"text": "a"}\n', ", line 1: label=None"),
        ('{"text": "a", "label": " "}\n', ", line 1: label=' '"),
        ('{"text": "a", "label": true}\n', ", line 1: label=True"),
        ('{"text": "a", "label": 1.5}\n', ", line 1: label=1.5"),
        ('{"label": 1}\n', ", line 1: text=None"),
        ('{"label": 1, "text": 2}\n', ", line 1: text=2"),
        ('{"label": 1, "text": "a", "split": ["test"]}\n', ", line 1: split=['test']"),
        ('{"label": 1, "text": "a", "split": null}\n', ", line 1: split=None"),
        (
            '{"label": 1, "text": "a", "split": "train"}\n{"label": 2, "text": "b"}\n',
            ", line 2: split=None",
        ),
        (
            '{"label": 1, "text": "a"}\n{"label": 2, "text": "b", "split": "test"}\n',
            ", line 2: split='test'",
        ),
        (b'{"label": 1, "text": "a"}\n\xfe\xff', ", line 2: 'utf-8' codec can't decode byte 0xfe"),
    ],
)
def test_invalid_jsonl(tmp_path, content, received):
    assert_refused(tmp_path / "set.jsonl", content, received)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("image_size", 32),
        ("color_mode", "rgb"),
        ("skip_unreadable", True),
        ("data_dir", "here"),
        ("manual_dir", "here"),
    ],
)
def test_options_of_other_sources(path, option, value):
    for name in (write(path), "docstrings"):
        with pytest.raises(ValueError, match=re.escape(f"Received: {option}={value!r}, name=")):
            data.load(name, **{option: value})


def test_more_samples_than_the_file_has(path):
    name = write(path)
    with pytest.raises(ValueError, match="Received: train_samples=9, samples=8"):
        data.load(name, train_samples=9)
    with pytest.raises(ValueError, match="Received: test_samples=5, samples=4"):
        data.load(name, test_samples=5)
