"""The page of a run: its figures, its samples and its size; and when it is written."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from cctzoo import data, delivery, export, latency, training
from cctzoo.commands import evaluate
from cctzoo.data import EncodedImages
from cctzoo.data.encoded_images import FileSource
from cctzoo.pages.page import join_modules
from cctzoo.training.report import page as report_page
from cctzoo.training.report import samples
from cctzoo.training.report.answers import MOST_IN_MATRIX, choose_samples, describe_answers
from tests.data.pictures import save_classes
from tests.node import check_module
from tests.pages.reading import read_page
from tests.training.few import few_digits

pytestmark = pytest.mark.one_backend("torch")  # the page is the same on all of them
CONFIG = SimpleNamespace(classifier_activation=None, classes=3)
SCRIPT = report_page.FOLDER / "js" / "report.js"
DELIVERED = {
    "exports": [
        {
            "path": "/secret/place/export/model.tflite",
            "format": "litert",
            "precision": "float32",
            "bytes": 1000,
            "max_difference": 1e-6,
            "samples": 3,
            "top1_agreement": 1.0,
            "accuracy": 0.5,
            "keras_accuracy": None,
        }
    ],
    "latency": {
        "rows": [{"name": "keras, live", "median_ms": 2.0, "p10_ms": 1.0, "p90_ms": 3.0}],
        "threads": 1,
        "runs": 7,
        "machine": "a processor",
        "versions": {},
    },
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return training.train(few_digits(), tmp_path_factory.mktemp("run") / "run")


def outputs_of(answers, classes, confidences):
    """Logits whose softmax gives each answer its confidence, and the others equal shares."""
    confidences = np.asarray(confidences)[:, None]
    shares = np.repeat((1 - confidences) / (classes - 1), classes, axis=1)
    shares[np.arange(len(answers)), answers] = confidences[:, 0]
    return np.log(shares).astype("float32")


def made_up(classes, x, y, kind="images"):
    empty = x[:0], y[:0]
    return data.Dataset("made up", classes, *empty, *empty, x, y, kind)


def write(dataset, outputs, folder, **options):
    figures = {"test_accuracy": 0.5, "test_samples": len(outputs), "best_epoch": None}
    config = SimpleNamespace(classifier_activation=None, classes=len(dataset.classes))
    path = report_page.write_report_page(
        folder,
        title="made up",
        dataset=dataset,
        outputs=outputs,
        config=config,
        figures=figures,
        **options,
    )
    return path, read_page(path)


def test_figures_per_class_and_confusions():
    labels = np.array([0, 0, 0, 1, 1, 2])
    answers = np.array([0, 1, 1, 1, 0, 1])
    outputs = outputs_of(answers, 4, [0.9, 0.6, 0.8, 0.7, 0.95, 0.5])
    found = describe_answers(outputs, labels, CONFIG, 10)
    assert found["matrix"].tolist() == [[1, 2, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0] * 4]
    assert found["pairs"].tolist() == [[0, 1, 2], [1, 0, 1], [2, 1, 1]]
    figures = {name: values.tolist() for name, values in found["per_class"].items()}
    assert figures["count"] == [3, 2, 1, 0]
    assert figures["answers"] == [2, 4, 0, 0]
    np.testing.assert_allclose(figures["recall"], [1 / 3, 1 / 2, 0, np.nan])
    np.testing.assert_allclose(figures["precision"], [1 / 2, 1 / 4, np.nan, np.nan])
    np.testing.assert_allclose(figures["f1"], [0.4, 1 / 3, 0, np.nan])
    shown = found["shown"]
    assert (found["worst"], shown["sample"].tolist()) == (4, [4, 2, 1, 5, 3, 0])
    assert shown["truth"].tolist() == [1, 0, 0, 2, 1, 0]
    np.testing.assert_allclose(shown["confidence"][:3], [0.95, 0.8, 0.6], rtol=1e-5)


def test_every_confusion_has_its_turn():
    """A frequent confusion does not take the place of a rare one."""
    labels = np.r_[np.zeros(50, int), 1, 2]
    answers = np.r_[np.ones(50, int), 2, 0]
    confidence = np.r_[np.full(50, 0.9), 0.2, 0.1]
    chosen, worst = choose_samples(labels, answers, confidence, 26)
    assert worst == 24
    assert chosen.tolist() == [*range(24), 50, 51]
    chosen, worst = choose_samples(labels, labels, confidence, 6)
    assert (chosen.tolist(), worst) == ([51, 50, 0, 1, 2, 3], 0)


def test_a_large_matrix_has_the_classes_with_most_mistakes():
    labels = np.arange(300).repeat(2)
    answers = np.where(labels >= 250, (labels + 1) % 300, labels)
    found = describe_answers(outputs_of(answers, 300, np.full(600, 0.9)), labels, CONFIG, 10)
    kept = found["matrix_classes"]
    assert len(kept) == MOST_IN_MATRIX
    assert {0, *range(250, 300)} <= set(kept)
    assert found["matrix"].shape == (MOST_IN_MATRIX, MOST_IN_MATRIX)
    assert len(found["per_class"]["count"]) == 300


def test_names_and_texts_are_data(tmp_path):
    names = ["</script><script>alert(1)</script>", "b & <i>", "$x$"]
    texts = np.array(["<img src=x onerror=alert(1)>", "long " * 500, "a\nb"], object)
    dataset = made_up(names, texts, np.array([0, 1, 2]), "texts")
    path, found = write(dataset, outputs_of([1, 0, 2], 3, [0.6, 0.7, 0.8]), tmp_path)
    page = path.read_text("utf-8")
    assert "alert(1)" not in page
    assert found["classes"] == names
    assert found["shown"]["texts"][1] == texts[0]
    assert len(found["shown"]["texts"][0]) == samples.CHARACTERS
    assert found["shown"]["names"] == ["test sample 1", "test sample 0", "test sample 2"]
    assert "right on 50.00% of 3 test texts, of 3 classes" in page


@pytest.mark.parametrize("shape", [(32, 32, 3), (64, 64, 3), (96, 80, 3), (28, 28, 1), (9, 7, 4)])
def test_a_page_of_noise_stays_below_3_mb(shape, tmp_path):
    """Noise takes more bytes than any photograph, and all answers are wrong."""
    rng = np.random.default_rng(0)
    count, classes = 700, 80
    labels = rng.integers(0, classes, count)
    x = rng.integers(0, 256, (count, *shape), "uint8")
    dataset = made_up([f"class {i}" for i in range(classes)], x, labels)
    outputs = outputs_of((labels + 1 + labels % 7) % classes, classes, rng.uniform(0.3, 1, count))
    path, found = write(dataset, outputs, tmp_path)
    assert path.stat().st_size < 3e6
    sheet = found["shown"]["sheet"]
    assert max(sheet["width"], sheet["height"]) == min(max(shape), samples.SIDE)
    assert sheet["count"] == len(found["shown"]["sample"]) >= 146


def test_images_from_files_are_decoded_only_if_they_are_shown(tmp_path):
    opened = []

    class Source(FileSource):
        def __getitem__(self, index):
            opened.append(index)
            return super().__getitem__(index)

    save_classes(tmp_path / "data", {"left": 6, "right": 6})
    paths = sorted((tmp_path / "data").rglob("*.png"))
    x = EncodedImages(Source(paths), (80, 100))
    dataset = made_up(["left", "right"], x, np.arange(12) // 6)
    answers = np.array([1, *([0] * 5), *([1] * 6)])
    _, found = write(dataset, outputs_of(answers, 2, np.linspace(0.6, 0.9, 12)), tmp_path)
    assert found["shown"]["names"][0] == "left/000.png"
    assert found["shown"]["sample"].tolist() == [0, 1, 6, 2, 7, 3, 8, 4, 9]
    assert sorted(opened) == sorted(found["shown"]["sample"])
    assert found["shown"]["sheet"]["source"].startswith("data:image/jpeg")
    assert str(tmp_path) not in json.dumps(found["shown"]["names"])


def test_a_model_without_mistakes(tmp_path):
    x = np.zeros((4, 8, 8, 1), "uint8")
    dataset = made_up(["a", "b"], x, np.array([0, 1, 0, 1]))
    _, found = write(dataset, outputs_of([0, 1, 0, 1], 2, [0.9] * 4), tmp_path)
    assert (found["worst"], found["pairs"].shape) == (0, (0, 3))
    assert found["shown"]["sheet"]["count"] == 4


def test_page_of_a_run(run):
    found = read_page(run.directory / "report.html")
    assert found["figures"]["test_accuracy"] == run.figures["test_accuracy"]
    assert found["figures"]["machine"] == run.figures["machine"]
    assert found["matrix"].tolist() == run.figures["confusion"]
    assert found["versions"].keys() == {"keras", "torch"}
    losses = [row["val_loss"] for row in run.history]
    np.testing.assert_allclose(found["curves"]["val_loss"], losses, rtol=1e-6)
    assert found["curves"].keys() == set(report_page.CURVES)
    assert "label smoothing (0.1)" in found["note"]
    settings = {name: (value, usual) for name, value, usual in found["recipe"]}
    assert settings["epochs"] == ("2", "45")
    assert settings["augmentation.flip"] == ("True", "False")
    assert settings["changes.depth"] == ("1", "")
    assert found["delivered"] is None
    indices = found["shown"]["sample"]
    assert found["shown"]["truth"].tolist() == run.dataset.y_test[indices].tolist()
    np.testing.assert_array_equal(run.test_outputs, training.open_run(run.directory).test_outputs)


def test_a_resumed_run_has_a_new_page_with_its_exports(run):
    path = run.directory / "report.html"
    path.unlink()
    (run.directory / "export").mkdir()
    report = run.directory / "export" / "report.json"
    report.write_text(json.dumps(DELIVERED))
    training.resume(run.directory)
    found = read_page(path)
    (file,) = found["delivered"]["exports"]
    assert (file["path"], file["accuracy"], file["keras_accuracy"]) == ("model.tflite", 0.5, None)
    assert found["delivered"]["latency"]["rows"][0]["median_ms"] == 2
    report.write_text('{"exports": 1}')
    with pytest.warns(UserWarning, match=r"The page has no exports: .*report\.json"):
        report_page.write_run_page(run)
    assert read_page(path)["delivered"] is None
    report.unlink()
    report.parent.rmdir()


def test_exports_of_a_run_are_in_its_page(run, monkeypatch, tmp_path):
    row = export.ExportReport("/a/b.tflite", "litert", "float32", 10, 0.0, 5, None, None, None)
    timed = latency.LatencyReport([latency.Latency("x", 2.0, 1.0, 3.0, 1.0)], 1, 7, "m", {})
    made = delivery.Delivery(tmp_path, [row], timed)
    monkeypatch.setattr(delivery, "deliver", lambda *_: made)
    assert delivery.deliver_run(run) is made
    found = read_page(run.directory / "report.html")
    assert [each["path"] for each in found["delivered"]["exports"]] == ["b.tflite"]


def test_evaluate_writes_the_page_again(run, monkeypatch, capsys):
    path = run.directory / "report.html"
    path.unlink()
    monkeypatch.setattr("sys.argv", ["evaluate", str(run.directory)])
    evaluate.main()
    assert "test images, stated" in capsys.readouterr().out
    accuracy = read_page(path)["figures"]["test_accuracy"]
    assert accuracy == pytest.approx(run.figures["test_accuracy"], abs=0.021)  # one image of 51


def test_script_of_the_page(tmp_path):
    check_module(join_modules(SCRIPT), tmp_path)
    for path in SCRIPT.parent.glob("*.js"):
        text = path.read_text("utf-8")
        assert "innerHTML" not in text
        assert len(text.splitlines()) < 300
