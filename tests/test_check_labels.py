"""`cctzoo check-labels`: folds, the file, the page, and a training with the file."""

import csv
import json

import numpy as np
import pytest

from cctzoo import data
from cctzoo.commands.main import main
from cctzoo.pages.page import join_modules
from cctzoo.training import check_labels
from cctzoo.training.report.labels import FOLDER, write_label_page
from tests.data.pictures import save_classes
from tests.node import check_module
from tests.pages.reading import read_page

WORDS = "--folds 2 --directory found --epochs 8 --warmup-epochs 1 --batch-size 25"
MODEL = "--depth 1 --embed-dim 32 --heads 4 --optimizer muon --learning-rate 0.01"
pytestmark = pytest.mark.one_backend("torch")  # files, and trainings of seconds


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(*words):
    main(["check-labels", *WORDS.split(), *words])


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_flipped_digits_are_found_and_corrected(folder, capsys):
    source = data.load("digits", 0, train_samples=600)
    y, flipped = source.y_train.copy(), np.arange(0, 600, 10)
    y[flipped] = (y[flipped] + 3) % 10
    arrays = {"x_train": source.x_train, "x_test": source.x_test, "y_test": source.y_test}
    np.savez("flipped.npz", **arrays, y_train=y)
    words = ["--dataset", "npz:flipped.npz", *MODEL.split(), "--least-probability", "0.3"]
    check(*words)
    out = capsys.readouterr().out
    figures = json.loads((folder / "found/report.json").read_text())
    assert f"{figures['questioned']} labels are questioned" in out
    assert len(flipped) / 600 < figures["noise"] < 0.4
    rows = rows_of("found/labels.csv")
    assert len(rows) == figures["questioned"]
    assert all(y[int(row["sample"])] == int(row["given"]) for row in rows)
    suggested = {int(row["sample"]): int(row["label"]) for row in rows}
    assert np.mean([suggested.get(i) == source.y_train[i] for i in flipped]) > 0.5
    page = read_page(folder / "found/labels.html")
    assert page["number"] == page["samples"] == len(rows)
    assert page["shown"]["names"][0] == f"training sample {rows[0]['sample']}"
    assert page["pairs"].reshape(-1, 3)[:, 2].sum() == len(rows)
    assert page["per_label"].tolist() == np.bincount(y).tolist()
    corrected = data.load("npz:flipped.npz", 0, labels="found/labels.csv")
    assert (corrected.y_train == source.y_train).mean() > (y == source.y_train).mean()
    check(*words, "--leave-out")  # trains nothing again
    assert "epoch 1" not in capsys.readouterr().out
    assert {row["label"] for row in rows_of("found/labels.csv")} == {""}
    kept = data.load("npz:flipped.npz", 0, labels="found/labels.csv")
    assert len(kept.x_train) == 600 - len(rows)
    with pytest.raises(SystemExit):
        check(*words, "--seed", "1")
    assert "whose recipe differs in seed" in capsys.readouterr().err


def test_images_of_a_folder_and_texts_are_named(folder):
    save_classes(folder / "pets/train", {"cat": 20, "dog": 20})
    save_classes(folder / "pets/test", {"cat": 2, "dog": 2})
    short = "--epochs 1 --warmup-epochs 0 --batch-size 8"
    small = "--image-size 16 --depth 1 --embed-dim 16 --heads 2"
    check(*f"--dataset folder:pets {short} {small}".split())
    rows = rows_of("found/labels.csv")
    assert {row["content"].split("/")[0] for row in rows} <= {"cat", "dog"}
    for row in rows:
        name, number = row["content"].removesuffix(".png").split("/")
        assert (name, 20 * (name == "dog") + int(number)) == (row["given"], int(row["sample"]))
    lines = [f"{word} number {i},{word}\n" for word in ("good", "bad") for i in range(40)]
    (folder / "texts.csv").write_text("text,label\n" + "".join(lines))
    words = f"--dataset csv:texts.csv --directory texts {short} --preset docstrings"
    check(*words.split(), "--changes", '{"length": 8, "word_dim": 8}', "--embed-dim", "16")
    for row in rows_of("texts/labels.csv"):
        assert row["content"].startswith(row["given"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--folds 1", "--folds must be at least 2. Received: 1"),
        ("--fold 1/2", "Give --folds, the number of all folds. Received: --fold 1/2"),
        ("--least-probability 1.1", "--least-probability must be from 0 to 1. Received: 1.1"),
        ("--labels some.csv", "The labels of the data set itself are checked"),
        ("--dataset npz:none.npz", "none.npz"),
    ],
)
def test_rules(folder, capsys, words, message):
    with pytest.raises(SystemExit) as ended:
        check(*words.split())
    assert ended.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not list(folder.iterdir())


def test_the_page_has_the_numbers_of_the_file(tmp_path):
    """Of a subset, a sample's number in the source is not its place."""
    x, y = np.zeros((3, 8, 8, 1), "uint8"), np.array([0, 1, 0])
    dataset = data.Dataset("made up", ["a", "b"], x, y, x[:0], y[:0], x, y)
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9]])
    found = check_labels(probabilities, y)
    assert found.questioned.tolist() == [2]
    page = read_page(write_label_page(tmp_path, dataset, probabilities, np.array([4, 7, 9]), found))
    assert page["shown"]["names"] == ["training sample 9"]


def test_the_script_of_the_page(tmp_path):
    check_module(join_modules(FOLDER / "js" / "labels.js"), tmp_path)
