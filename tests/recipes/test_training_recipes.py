"""The recipes that train: each from start to end on a few digits, without the export."""

import json

import keras
import numpy as np
import pytest

import cctzoo
from cctzoo.runs import open_run
from tests.pages.reading import read_page

# The code does not differ by backend; PyTorch compiles nothing.
pytestmark = pytest.mark.one_backend("torch")
FEW = [
    "--train-samples",
    "100",
    "--test-samples",
    "50",
    "--batch-size",
    "16",
    "--epochs",
    "1",
    "--no-export",
]
TINY = ["--depth", "2", "--embed-dim", "16"]


@pytest.mark.parametrize(
    ("script", "changes"),
    [
        ("train_lsmha.py", {"heads": 16}),
        ("train_conv_prefix.py", {"conv_prefix": 1, "heads": 2}),
    ],
)
def test_training(run, script, changes, tmp_path):
    flags = [x for name, value in changes.items() for x in (f"--{name.replace('_', '-')}", value)]
    run(script, *FEW, *TINY, *flags, "--directory", "out")
    model = keras.saving.load_model(tmp_path / "out" / "model.keras")
    found = {name: getattr(model.config, name) for name in changes}
    assert found == changes
    assert json.loads((tmp_path / "out" / "report.json").read_text())["test_samples"] == 50


def test_committee_averages_its_members_and_trains_a_missing_one(run, tmp_path):
    run("train_committee.py", *FEW, *TINY, "--members", "1", "4", "--directory", "out")
    folder, members = tmp_path / "out", sorted((tmp_path / "out").glob("member*"))
    assert [path.name for path in members] == ["member00_heads1", "member01_heads4"]
    report = json.loads((folder / "report.json").read_text())
    for path in members:
        assert report["members"][path.name] == open_run(path).figures["test_accuracy"]
    found = read_page(folder / "report.html")
    assert dict(found["members"]) == report["members"]
    assert found["matrix"].sum() == 50
    assert found["figures"]["test_accuracy"] == report["test_accuracy"]
    x = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 1)).astype("float32")
    mean = np.mean(
        [
            keras.ops.convert_to_numpy(
                keras.ops.softmax(keras.saving.load_model(path / "model.keras")(x))
            )
            for path in members
        ],
        axis=0,
    )
    logits = keras.ops.convert_to_numpy(keras.saving.load_model(folder / "committee.keras")(x))
    np.testing.assert_allclose(np.exp(logits), mean, atol=1e-5)
    for name in ("checkpoint.npz", "report.json", "model.keras", "history.csv"):
        (members[1] / name).unlink()
    (folder / "committee.keras").unlink()
    run("train_committee.py", "--resume", "out", "--no-export")
    again = json.loads((folder / "report.json").read_text())
    assert again["members"] == pytest.approx(report["members"])
    assert (folder / "committee.keras").exists()


def test_fine_tuning(run, tmp_path):
    run("train_cct.py", *FEW, *TINY, "--directory", "first")
    rng = np.random.default_rng(0)
    for part, count in (("train", 40), ("test", 8)):
        for name in ("left", "right", "up"):
            folder = tmp_path / "photos" / part / name
            folder.mkdir(parents=True)
            for i in range(count // 4):
                pixels = rng.integers(0, 256, (20 + i, 31, 1), "uint8")
                write_png(folder / f"{i}.png", pixels)
    done = run(
        "fine_tune.py",
        *["--start-from", "first/best.keras", "--dataset", "folder:photos"],
        *[
            "--image-size",
            "24",
            "16",
            "--batch-size",
            "8",
            "--epochs",
            "2",
            "--no-export",
            "--directory",
            "second",
        ],
    )
    assert "fresh classifier for 3 classes" in done.stdout
    assert "position embedding resized (4, 4) -> (6, 4)" in done.stdout
    assert "27 training images, therefore --learning-rate 0.001\n" in done.stdout
    report = json.loads((tmp_path / "second" / "report.json").read_text())
    assert set(report["class_accuracies"]) == {"left", "right", "up"}
    # The saved model reads image files as the run did.
    model = keras.saving.load_model(tmp_path / "second" / "best.keras", compile=False)
    images = cctzoo.data.load(f"folder:{tmp_path / 'photos'}", image_size=(24, 16)).x_test
    assert model.config.view == images.view
    np.testing.assert_array_equal(model.read_images(images.source.paths), images.batch(slice(None)))


def test_fine_tuning_from_a_tag_and_from_a_checkpoint(run, tmp_path):
    """A tag adapts to other images; a .pth checkpoint needs the name of its model."""
    images = {"train_samples": "40", "test_samples": "20"}
    few = [x for name, value in images.items() for x in (f"--{name.replace('_', '-')}", value)]
    few += ["--dataset", "digits", "--batch-size", "16", "--epochs", "1", "--no-export"]
    tag = "cct_2_3x2_32.cifar10"
    done = run("fine_tune.py", "--start-from", tag, "--directory", "tag", *few)
    assert "first kernel summed over channels, 3 -> 1" in done.stdout
    assert "position embedding resized (8, 8) -> (4, 4)" in done.stdout
    assert "fresh" not in done.stdout
    source = cctzoo.models.cct_2_3x2_32(weights="digits")
    cctzoo.weights.save_pytorch_checkpoint(source, tmp_path / "digits.pth")
    few += ["--learning-rate", "1e-9", "--warmup-rate", "0", "--weight-decay", "0"]
    run("fine_tune.py", "--start-from", "digits.pth", "--directory", "file", *few)
    assert json.loads((tmp_path / "file" / "report.json").read_text())["test_accuracy"] > 0.9


def test_evaluation_of_weights(run, tmp_path):
    done = run("evaluate_weights.py", "cct_2_3x2_32.digits")
    assert "97.77% of 359 test images, stated: 97.77% (torch" in done.stdout


def write_png(path, pixels):
    from PIL import Image

    Image.fromarray(pixels.squeeze(-1)).save(path)


def test_contact_sheet(run, tmp_path):
    done = run("show_augmentations.py", "--to", "sheet.png")
    assert "randaugment, mixup, cutmix, all" in done.stdout
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    done = run("show_augmentations.py", "--dataset", "npz:none.npz", status=2)
    assert "npz:none.npz" in done.stderr.splitlines()[-1]


def test_unsuitable_data_print_one_line(run, tmp_path):
    folder = tmp_path / "photos"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
    write_png(folder / "a" / "1.png", np.zeros((9, 9, 1), "uint8"))
    done = run("train_cct.py", "--dataset", f"folder:{folder}", status=2)
    assert f"{folder / 'b'}" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "runs").exists()


def test_model_comparison_resumes(run, tmp_path):
    arguments = ["--preset", "cifar10_200", "--models", "conv_heads64", "--epochs", "6"]
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "noise.npz",
        x_train=rng.integers(0, 256, (260, 8, 8, 3), "uint8"),
        y_train=np.arange(260) % 10,
        x_test=rng.integers(0, 256, (20, 8, 8, 3), "uint8"),
        y_test=np.arange(20) % 10,
    )
    arguments += ["--dataset", f"npz:{tmp_path / 'noise.npz'}", "--directory", "out"]
    first = run("benchmarks/compare_heads.py", *arguments, "--minutes", "0.01")
    assert "stopped; the same command resumes" in first.stdout
    run("benchmarks/compare_heads.py", *arguments)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    accuracies = report["test_accuracy"]
    assert accuracies["committee"] == accuracies["conv_heads64"]  # a committee of one
    weights = np.load(tmp_path / "out" / "conv_heads64" / "weights_float16.npz")
    assert all(weights[key].dtype == np.float16 for key in weights.files)
    other = run("benchmarks/compare_heads.py", *arguments, "--seed", "1", status=1)
    assert "whose recipe differs from these arguments" in other.stderr
