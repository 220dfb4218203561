"""The text recipes: training and export, a committee, and the bag of words."""

import json
import re

import keras
import numpy as np
import pytest

from cctzoo.runtimes import load_runner

# The code is that of the image recipes, which run on each backend.
quick = pytest.mark.one_backend("torch")
FEW = [
    "--preset",
    "docstrings",
    "--train-samples",
    "200",
    "--test-samples",
    "40",
    "--batch-size",
    "16",
]
FEW += ["--epochs", "1", "--depth", "1", "--embed-dim", "16"]


@pytest.mark.one_backend("tensorflow")  # which exports in its own process
def test_training_and_export(run, tmp_path):
    done = run("train_text_cct.py", *FEW, "--heads", "4", "--length", "24", "--directory", "out")
    assert re.search(r"test accuracy .* on 40 texts, trained in .* texts/s", done.stdout)
    report = json.loads((tmp_path / "out" / "export" / "report.json").read_text())
    assert [each["partitions"] for each in report["exports"]] == [1, 1, None]
    assert report["exports"][0]["max_difference"] <= 1e-4
    model = keras.saving.load_model(tmp_path / "out" / "model.keras")
    assert (model.config.heads, model.config.length) == (4, 24)
    ids = model.vocabulary(["Return the list of sections in the report.", ""])
    np.testing.assert_allclose(
        load_runner(tmp_path / "out" / "export" / "model_float32.tflite")(ids),
        model.predict(ids, verbose=0),
        atol=1e-4,
    )
    pruned = run("prune_heads.py", "out", "--keep", "2", "--samples", "40", "--no-export")
    assert "test accuracy tuned" in pruned.stdout
    model = keras.saving.load_model(tmp_path / "out" / "pruned2" / "model.keras")
    assert model.config.heads == (2,)


def probabilities(model, ids):
    return keras.ops.convert_to_numpy(keras.ops.softmax(model.predict(ids, verbose=0)))


@quick
def test_committee_members_share_the_vocabulary(run, tmp_path):
    run("train_committee.py", *FEW, "--members", "1", "4", "--no-export", "--directory", "out")
    committee = keras.saving.load_model(tmp_path / "out" / "committee.keras")
    ids = committee.vocabulary(["Parse an XML document."])
    members = sorted((tmp_path / "out").glob("member*"))
    parts = [probabilities(keras.saving.load_model(path / "model.keras"), ids) for path in members]
    assert probabilities(committee, ids).shape == (1, 10)
    np.testing.assert_allclose(probabilities(committee, ids), np.mean(parts, axis=0), atol=1e-5)


@quick
def test_fine_tuning_keeps_vocabulary_and_widths(run, tmp_path):
    own = ["--changes", '{"word_dim": 12}', "--no-export"]
    run("train_text_cct.py", *FEW, *own, "--heads", "4", "--directory", "first")
    rows = [f"{'parse the message' if i % 2 else 'run the loop'} {i},{i % 2}" for i in range(40)]
    (tmp_path / "few.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    arguments = ["--preset", "docstrings", "--dataset", "csv:few.csv", "--batch-size", "8"]
    start = ["--start-from", "first/best.keras", "--epochs", "1", "--no-export"]
    done = run("fine_tune.py", *arguments, *start, "--directory", "second")
    assert "fresh classifier for 2 classes" in done.stdout
    first, second = (
        keras.saving.load_model(tmp_path / name / "model.keras").config
        for name in ("first", "second")
    )
    assert second.vocabulary == first.vocabulary
    assert (second.word_dim, second.heads, second.classes) == (12, 4, 2)


@quick
def test_bag_of_words(run, tmp_path):
    rows = [f"{'warm sun' if i % 2 else 'cold rain'} number {i},{i % 2}" for i in range(60)]
    (tmp_path / "weather.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    done = run("benchmarks/bag_of_words.py", "--dataset", "csv:weather.csv")
    assert re.search(r"^words: validation 100.00%, test 100.00%", done.stdout, re.MULTILINE)
    assert (
        "--dataset must hold texts"
        in run("benchmarks/bag_of_words.py", "--dataset", "digits", status=1).stderr
    )


@quick
@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        (["--dataset", "digits"], "dataset='digits'"),
        (["--model", "text_cct_9_k2"], "variant='text_cct_9_k2'"),
        (["--flip"], "flip=True"),
        (["--dataset", "csv:none.csv"], "name='csv:none.csv'"),
        (["--word-vectors", "none.txt"], "word_vectors='none.txt'"),
    ],
)
def test_invalid_arguments_print_one_line(run, arguments, received, tmp_path):
    done = run("train_text_cct.py", *arguments, status=2)
    assert received in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())
