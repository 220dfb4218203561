"""The recipes for heads, from start to end on a few digits."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from cctzoo import training
from cctzoo.analysis import ShownSamples
from cctzoo.commands.analyse import shades
from cctzoo.models import create_model, text_cct
from cctzoo.runs import open_run
from tests.data.pictures import save_classes
from tests.training.few import TINY, few_digits

pytestmark = pytest.mark.one_backend("torch")  # code that differs by backend has its own tests


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads")
    training.train(few_digits(changes=TINY | {"heads": 4}, train_samples=120), folder / "run")
    return folder


def test_report(run, folder):
    done = run("analyse_heads.py", "run", "--ablation-samples", "20", folder=folder)
    assert "In the last block, a head recognises" in done.stdout
    out = folder / "run" / "heads"
    page = (out / "report.html").read_text()
    assert "default-src 'none'" in page
    assert len([*(out / "pictures").glob("*.png")]) == 8
    assert not [*out.rglob(".cctzoo-*")]
    figures = json.loads((out / "figures.json").read_text())
    report = json.loads((folder / "run" / "report.json").read_text())
    assert figures["accuracy"] == pytest.approx(report["test_accuracy"])
    assert len(figures["heads"]["importance/importance"]["0"]) == 4
    with np.load(out / "heads.npz", allow_pickle=False) as file:
        assert file["00/fields"].shape == (4, 10, 10)
    shown = ShownSamples.load(out / "samples.npz")
    assert shown.images.shape[0] == len(shown.labels) <= 200
    assert shown.answers[0].samples.shape == shown.fresh_answers[0].samples.shape == (4, 6)


def test_two_analyses_on_one_page(run, folder):
    """Runs after `test_report`, which writes the analysis of the run."""
    if not (folder / "run" / "heads").exists():
        run("analyse_heads.py", "run", "--ablation-samples", "0", folder=folder)
    one = (folder / "run" / "heads" / "report.html").read_text()
    (folder / "run" / "heads" / "report.html").unlink()
    run("analyse_heads.py", Path("run", "heads"), folder=folder)
    assert (folder / "run" / "heads" / "report.html").read_text() == one
    done = run("analyse_heads.py", "run", Path("run", "heads"), "--to", "both", folder=folder)
    assert done.stdout.strip() == str(Path("both", "report.html"))
    assert "What the heads have learned: " in (folder / "both" / "report.html").read_text()
    done = run("analyse_heads.py", "run", "other", folder=folder, status=1)
    assert "'other'; analyse it first: cctzoo analyse other" in done.stderr.splitlines()[-1]
    done = run("analyse_heads.py", *"abc", folder=folder, status=1)
    assert "Received: 3 sources" in done.stderr.splitlines()[-1]


def test_report_of_texts(run, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    rows = ["text,label,split"]
    for i in range(90):
        topic = ["<b>sea</b>", "land"][i % 2]
        words = rng.choice([["ship", "wave"], ["hill", "<tree>"]][i % 2] + ["a", "the"], 1 + i % 9)
        rows.append(f"{' '.join(words)},{topic},{['train', 'test'][i % 3 == 0]}")
    (tmp_path / "topics.csv").write_text("\n".join(rows))
    changes = {"embed_dim": 8, "word_dim": 5, "heads": 2, "depth": 2, "length": 7}
    words = ["ship", "wave", "hill", "tree", "a"]  # and "the", which it does not know
    model = text_cct(**changes, classes=2, vocabulary=words, vocabulary_size=7)
    model.save(tmp_path / "model.keras")
    monkeypatch.setenv("COLUMNS", "200")
    arguments = ["model.keras", "--dataset", "csv:topics.csv", "--to", "out"]
    printed = run("analyse_heads.py", *arguments).stdout
    assert "In the last block, a head recognises" in printed
    page = (tmp_path / "out" / "report.html").read_text()
    assert not (tmp_path / "out" / "pictures" / "rollout.png").exists()
    assert "<b>sea" not in page
    shown = ShownSamples.load(tmp_path / "out" / "samples.npz")
    assert len(shown.labels) == 30
    for label, each in list(zip(shown.labels, shown.saliency(), strict=True))[:12]:
        assert sum(value for _, value in each) == pytest.approx(1, abs=1e-5)
        assert {word for word, _ in each} <= {*words, "the"}
        topic = ["<b>sea</b>", "land"][label]
        assert f"{topic}: {' '.join(word for word, _ in each)}" in printed


def test_shades_of_words():
    words = [("a", 0.0), ("b", 0.5), ("c", 1.0)]
    assert shades(words) == ["#ffffff", "#aadaf4", "#56b4e9"]
    assert shades([("a", 0.0)]) == ["#ffffff"]


def test_benchmark(run):
    small = ["--model", "cct_2_3x2_32", "--classes", "3", "--images", "9"]
    printed = run("benchmarks/heads.py", *small).stdout
    assert re.search(r"^2 blocks, 9 \+ 9 images: \d+ s\npeak memory .* \d\.\d\d GB", printed)
    absent = run("benchmarks/heads.py", "--images", "9", status=1)
    assert "a sample of every class" in absent.stderr


def test_pruning(run, folder, monkeypatch):
    arguments = ("prune_heads.py", "run", "--keep", "2", "--no-export")
    run(*arguments, "--by", "labels", folder=folder)
    out = folder / "run" / "pruned2"
    found = json.loads((out / "pruning.json").read_text())
    assert found["heads"] == {"before": [4], "after": [2]}
    assert len(found["kept"]["0"]) == 2
    pruned = keras.saving.load_model(out.with_suffix(".keras"))
    monkeypatch.chdir(folder)  # the recipe of the run names the file relative to it
    tuned = open_run(out).model
    assert pruned.config == tuned.config
    assert pruned.config.block_heads == (2,)
    assert any(
        (a != b).any() for a, b in zip(pruned.get_weights(), tuned.get_weights(), strict=True)
    )
    done = run(*arguments, folder=folder, status=1)
    assert "must be new or an empty folder" in done.stderr.splitlines()[-1]


def test_pruning_of_a_file_and_evaluation_of_its_run(run, tmp_path):
    """Photos are loaded in the size and the colours of the model."""
    config = {"input_shape": (8, 12, 1), "classes": 2, "depth": 1, "embed_dim": 16, "heads": 4}
    create_model("cct_2_3x2_32", **config).save(tmp_path / "start.keras")
    save_classes(tmp_path / "photos", {"a": 24, "b": 24})
    source = ("start.keras", "--dataset", "folder:photos")
    run("prune_heads.py", *source, "--keep", "2", "--epochs", "1", "--no-export")
    out = tmp_path / "runs" / "start-pruned2"
    tuned = open_run(out)
    assert tuned.model.input_shape == (None, 8, 12, 1)
    assert tuned.recipe.image_size == (8, 12)
    assert tuned.model.config.block_heads == (2,)
    (tmp_path / "photos").rename(tmp_path / "moved")
    out.with_suffix(".keras").unlink()
    done = run("evaluate_weights.py", out, "--dataset", "folder:moved")
    stated = f"{tuned.figures['test_accuracy']:.2%}"
    assert f"{stated} of 10 test images, stated: {stated}" in done.stdout
    done = run("evaluate_weights.py", out, status=1)
    assert "folder:photos" in done.stderr.splitlines()[-1]
    assert "--dataset or --data-dir" in done.stderr.splitlines()[-1]


def test_errors_are_one_line(run):
    done = run("analyse_heads.py", "cct_2_3x2_32", status=1)
    assert done.stderr.splitlines()[-1] == (
        "analyse_heads.py: A model that is neither a run nor a tag needs --dataset. "
        "Received: source='cct_2_3x2_32'"
    )
    for source in ("none", "cct_2_3x2_32"):
        done = run("prune_heads.py", source, "--keep", "2", status=1)
        assert f"source='{source}', dataset=None" in done.stderr.splitlines()[-1]
    done = run("evaluate_weights.py", "cct_2_3x2_32", "--dataset", "digits", status=1)
    assert "source='cct_2_3x2_32'" in done.stderr.splitlines()[-1]
