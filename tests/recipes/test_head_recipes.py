"""The recipes on heads, end to end on a few digits."""

import json
import re

import keras
import numpy as np
import pytest

from cctzoo import training
from tests.training.few import TINY, few_digits

pytestmark = pytest.mark.one_backend("torch")  # what is by backend is tested by itself


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads")
    training.train(few_digits(changes=TINY | {"heads": 4}, train_images=120), folder / "run")
    return folder


def test_report(run, folder):
    done = run("analyse_heads.py", "run", "--ablation-images", "20", folder=folder)
    assert "In the last block one head recognises" in done.stdout
    out = folder / "run" / "heads"
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len([*(out / "pictures").glob("*.png")]) == 8
    assert not re.findall(r"""(?:src|href)=["'](?!data:)|url\(|@import|<script""", page)
    assert not [*out.rglob(".draft-*")]
    figures = json.loads((out / "figures.json").read_text())
    report = json.loads((folder / "run" / "report.json").read_text())
    assert figures["accuracy"] == pytest.approx(report["test_accuracy"])
    assert len(figures["heads"]["importance/importance"]["0"]) == 4
    with np.load(out / "heads.npz", allow_pickle=False) as file:
        assert file["00/fields"].shape == (4, 10, 10)


def test_pruning(run, folder):
    arguments = ("prune_heads.py", "run", "--keep", "2", "--no-export")
    run(*arguments, "--by", "labels", folder=folder)
    out = folder / "run" / "pruned2"
    found = json.loads((out / "pruning.json").read_text())
    assert found["heads"] == {"before": [4], "after": [2]}
    assert len(found["kept"]["0"]) == 2
    pruned = keras.saving.load_model(out / "pruned.keras")
    tuned = keras.saving.load_model(out / "model.keras")
    assert pruned.config == tuned.config
    assert pruned.config.block_heads == (2,)
    assert any(
        (a != b).any() for a, b in zip(pruned.get_weights(), tuned.get_weights(), strict=True)
    )
    done = run(*arguments, folder=folder, status=1)
    assert "must be new or an empty folder" in done.stderr.splitlines()[-1]


def test_errors_are_one_line(run):
    done = run("analyse_heads.py", "cct_2_3x2_32", status=1)
    assert done.stderr.splitlines()[-1] == "analyse_heads.py: a file or a name needs --dataset"
    done = run("prune_heads.py", "none", "--keep", "2", status=1)
    assert "none/recipe.json" in done.stderr.splitlines()[-1]
