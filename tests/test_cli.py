"""The command line of the recipes: presets, changes, notices and errors."""

import collections
import dataclasses
import errno
import logging
import os
import shlex
import sys
import types
import warnings

import numpy as np
import pytest

from cctzoo import cli, data, models, training
from cctzoo.child_process import ChildFailed
from cctzoo.commands import train as train_command
from cctzoo.data import Augmentation
from cctzoo.export import ExportError
from cctzoo.settings import help_texts
from tests.formats.processes import in_use

pytestmark = pytest.mark.one_backend("jax")  # nothing is trained


def parsed(monkeypatch, *arguments, preset="digits", **defaults):
    monkeypatch.setattr("sys.argv", ["recipe.py", *arguments])
    return cli.parse(cli.recipe_parser("A recipe.", preset, **defaults))


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_no_arguments_give_the_preset(monkeypatch):
    options, recipe, directory = parsed(monkeypatch)
    assert recipe == training.Recipe()
    assert directory.parts[0] == "runs"
    expected = {"devices": 1, "workers": None, "worker_processes": False, "tensorboard": False}
    assert cli.training_options(options) == expected


@pytest.mark.parametrize(("suffix", "kept"), [(".weights.h5", True), (".keras", False)])
def test_start_from_a_file_with_a_config_drops_the_changes_of_the_preset(monkeypatch, suffix, kept):
    model = models.cct_2_3x2_32()
    (model.save_weights if kept else model.save)(f"start{suffix}")
    start = ["--start-from", f"start{suffix}", "--preset", "flowers102", "--dataset", "digits"]
    _, recipe, _ = parsed(monkeypatch, *start, "--model", "cct_2_3x2_32", "--heads", "4")
    assert recipe.changes == {"heads": 4} | ({"positional_embedding": "sine"} if kept else {})


def test_fine_tuning_needs_trained_weights(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["fine_tune.py", "--start-from", "none"])
    with pytest.raises(SystemExit):
        train_command.main("Fine-tunes.", fine_tuning=True)
    (line,) = capsys.readouterr().err.splitlines()
    assert "cct_2_3x2_32.cifar10" in line
    assert ".keras" in line


def test_a_failed_export_prints_one_line(monkeypatch, capsys):
    """The hint is for errors of the machine: with the same model, the comparison fails again."""
    run = types.SimpleNamespace(
        figures=collections.defaultdict(float),
        dataset=types.SimpleNamespace(kind="images"),
        model=None,
        directory="run",
    )
    errors = {
        "top1_agreement=90%": ExportError("top1_agreement=90%"),
        "no conversion; resume with --resume run": ExportError("no conversion"),
        "no child; resume with --resume run": ChildFailed("no child"),
        "[Errno 28] full: 'a.tflite'; resume with --resume run": OSError(28, "full", "a.tflite"),
    }
    errors["no conversion; resume with --resume run"].__cause__ = RuntimeError()

    def train(recipe, directory, **_):
        (directory / "recipe.json").touch()
        return run

    monkeypatch.setattr(train_command, "train", train)
    monkeypatch.setattr(cli, "check_delivery", lambda: None)
    monkeypatch.setattr(cli, "check_directory", lambda _: None)
    for message, error in errors.items():

        def deliver(*_, error=error):
            raise error

        monkeypatch.setattr(train_command, "deliver_run", deliver)
        monkeypatch.setattr("sys.argv", ["train_cct.py", "--directory", "run"])
        with pytest.raises(SystemExit) as stopped:
            train_command.main("Trains.")
        assert stopped.value.code == 1
        assert capsys.readouterr().err == f"train_cct.py: {message}\n"


def test_activation_is_a_word(monkeypatch):
    recipe = parsed(monkeypatch, "--activation", "quick_gelu")[1]
    assert recipe.changes == {"activation": "quick_gelu"}


@pytest.mark.parametrize(
    ("text", "value"), [("polynomial", "polynomial"), ('["softmax", "polynomial"]', None)]
)
def test_attention_is_a_word_or_a_list(monkeypatch, text, value):
    recipe = parsed(monkeypatch, "--attention", text)[1]
    assert recipe.changes == {"attention": value or ("softmax", "polynomial")}


def test_changes_of_recipe_model_and_augmentation(monkeypatch):
    arguments = "--preset cifar10_300 --dataset digits --heads [8,16] --depth 2 --epochs 30"
    arguments += " --clip-norm 1 --mixing-epochs none --no-flip --crop-scale 0.5 1 --ema 0.99"
    arguments += " --policy none --devices 2 --data-dir d --tensorboard"
    options, recipe, _ = parsed(monkeypatch, *arguments.split(), "--changes", '{"dropout": 0.1}')
    assert recipe.changes == {"heads": (8, 16), "depth": 2, "dropout": 0.1}
    assert (recipe.epochs, recipe.cooldown_epochs) == (30, 10)
    assert recipe.warmup_epochs == 1  # 10 of 300
    assert (recipe.clip_norm, recipe.ema) == (1.0, 0.99)
    augmentation = recipe.augmentation
    assert augmentation.mixing_epochs is None
    assert augmentation.policy is None
    assert not augmentation.flip
    assert augmentation.crop_scale == (0.5, 1.0)
    assert augmentation.mixup == 0.8
    assert recipe.data_dir == "d"
    expected = {"devices": 2, "workers": None, "worker_processes": False, "tensorboard": True}
    assert cli.training_options(options) == expected


@pytest.mark.parametrize(
    ("arguments", "size"), [("16", 16), ("16 16", 16), ("96 128", (96, 128)), ("none", None)]
)
def test_an_image_size_is_one_or_two_numbers(monkeypatch, arguments, size):
    flags = ["--image-size", *arguments.split()]
    assert parsed(monkeypatch, *flags)[1].image_size == size
    parser = cli.script_parser("A script.")
    cli.add_data_arguments(parser, default="none")
    found = cli.data_options(parser.parse_args(flags))["image_size"]
    assert found == (size if arguments != "16 16" else (16, 16))


def test_arguments_replace_the_defaults_of_a_script(monkeypatch):
    assert parsed(monkeypatch, heads=64)[1].changes == {"heads": 64}
    assert parsed(monkeypatch, "--heads", "4", heads=64)[1].changes == {"heads": 4}
    assert parsed(monkeypatch, epochs=18)[1].warmup_epochs == 2  # 5 of 45


def test_resume_refuses_recipe_flags(monkeypatch, capsys):
    arguments = ("--resume", "run", "--data-dir", "d")
    options, recipe, directory = parsed(monkeypatch, *arguments, "--dataset", "x", heads=64)
    assert recipe is None
    assert str(directory) == "run"
    assert cli.data_places(options) == {"dataset": "x", "data_dir": "d"}
    with pytest.raises(SystemExit):
        parsed(monkeypatch, "--resume", "run", "--epochs", "3", "--heads", "2")
    assert "--resume with --epochs, --heads" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ("--epochs 0", "epochs=0"),
        ("--heads 5", "heads=5"),
        ("--model cct_3", "cct_3"),
        ("--erasing 2", "erasing=2.0"),
        ("--crop-scale a b", "'a b'"),
        ("--crop-scale 0.1", "crop_scale=(0.1,)"),
        ("--image-size 8 a", "'8 a'"),
        ("--image-size 0", "image_size=0"),
        ("--image-size 8 9 10", "image_size=(8, 9, 10)"),
        ("--preset cifar", "cifar"),
        ("--start-from none.keras", "none.keras"),
        ("--crop-padding 2 --crop-scale 0.5 1", "crop_padding=2"),
    ],
)
def test_invalid_arguments_print_one_line(monkeypatch, capsys, arguments, received):
    with pytest.raises(SystemExit) as stopped:
        parsed(monkeypatch, *arguments.split())
    assert stopped.value.code == 2
    assert received in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")]
)
def test_hint_to_resume_can_be_pasted(tmp_path, capsys, error):
    parser = cli.script_parser("A script.")
    directory = tmp_path / "my runs"
    directory.mkdir()
    for written in (False, True):
        with pytest.raises(SystemExit), cli.exit_on_error(parser, directory):
            raise error
        message = capsys.readouterr().err
        assert ("resume with" in message) == written
        (directory / "recipe.json").touch()
    assert shlex.split(message)[-2:] == ["--resume", str(directory)]


@pytest.mark.parametrize("arguments", [[], ["--resume", "run"]])
@pytest.mark.parametrize("fine_tuning", [False, True])
def test_a_directory_in_use_is_code_2(monkeypatch, capsys, arguments, fine_tuning):
    """The data are not loaded before."""
    if arguments:
        os.mkdir("run")
        training.Recipe().save("run/recipe.json")
    else:
        arguments = ["--directory", "run"]
        if fine_tuning:
            arguments += ["--start-from", "cct_2_3x2_32.digits", "--model", "cct_2_3x2_32"]
    monkeypatch.setattr(training.Recipe, "load_data", None)
    monkeypatch.setattr("sys.argv", ["recipe.py", "--no-export", *arguments])
    with in_use("run"), pytest.raises(SystemExit) as stopped:
        train_command.main("Trains.", fine_tuning=fine_tuning)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "recipe.py: Another process is writing this directory" in line
    assert f"'run', in use by process {os.getpid()} on " in line


def test_an_output_that_nobody_reads(monkeypatch, capsys):
    """As `train_cct.py | head`: one line, and none of Python at its end."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        with (
            pytest.raises(SystemExit) as stopped,
            cli.exit_on_error(cli.script_parser("A script.")),
        ):
            print("more", flush=True)
    assert stopped.value.code == 141
    assert capsys.readouterr().err.endswith(": the reader of the output has ended\n")


def test_notices_are_plain_lines(capsys, monkeypatch):
    """Each is shown once, also where a handler of the root logger exists (TensorFlow adds one)."""
    monkeypatch.setattr(logging.root, "handlers", [logging.StreamHandler(sys.stdout)])
    cli.show_notices()
    cli.show_notices()
    logging.getLogger("cctzoo.weights").info("classifier with %d classes", 3)
    assert capsys.readouterr().out == "classifier with 3 classes\n"


def test_warnings_of_the_package_are_plain_lines(monkeypatch):
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    cli.show_notices()
    place = data.loading.__file__, 7
    assert warnings.formatwarning("2 are odd", UserWarning, *place) == "warning: 2 are odd\n"
    for category, file in ((RuntimeWarning, place[0]), (UserWarning, np.__file__)):
        text = warnings.formatwarning("2 are odd", category, file, 7)
        assert text.startswith(f"{file}:7: {category.__name__}: 2 are odd\n")


@pytest.mark.parametrize("kind", [training.Recipe, Augmentation])
def test_every_flag_has_a_help_text(kind):
    names = {field.name for field in dataclasses.fields(kind)} - {"changes", "augmentation"}
    texts = help_texts(kind)
    assert set(texts) == names
    assert not any("%" in text for text in texts.values())  # argparse would expand it
