"""Compares the scripts for devices on ARM, under QEMU, with the same scripts on this machine.

    KERAS_BACKEND=tensorflow python -m tests.export.arm.answers
    KERAS_BACKEND=tensorflow python -m tests.export.arm.answers --processors cortex-a76 --to arm/

Needs a Debian system with `apt-get install qemu-user`, the network for 90 MB, and 1 GB in `--to`.
Exports models of every family in several precisions, and runs `recipes/device` on image files and
texts. The exit code is 1 if a probability differs by more than 1e-4 in float32 or float16, if the
most probable class differs in any precision, or if the scripts print different classes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from cctzoo import data, models
from cctzoo.export.litert import PRECISIONS
from tests.export.arm import machine
from tests.export.arm.files import in_precisions
from tests.export.sample import spread

CHILD = Path(__file__).parent / "on_device.py"
TIE = 0.005  # of two probabilities; int8 on another processor differs by so much
MOST = {"float32": 1e-4, "float16": 1e-4}  # of a probability
SHIPPED = ("cct_2_3x2_32.digits", "cct_2_3x2_32.cifar10", "cct_conv.cifar10_10k")
UNTRAINED = ("cct_7_3x1_32", "cct_lsmha", "cct_polynomial", "cct_conv_polynomial", "vit_2_4_32")
TEXTS = ("A naïve cat.", "", "The DOG, and the dog's dog: 😀!", "a\u200fb 猫", "words " * 80)
WORDS = ("a", "naïve", "cat", "the", "dog", "and", "s", "😀", "猫", "words")
WITH_FLOATS = [each for each in PRECISIONS if each != "full_int8"]  # of every model
SAMPLES, FEW = 10, 2  # a model of 1 GMAC takes seconds per image


def main(folder: Path, processors: list[str]) -> int:
    machine.prepare(folder)
    tasks = list(all_tasks(folder))
    path = folder / "tasks.json"
    path.write_text(json.dumps(tasks))
    here = list(answers([sys.executable, CHILD, "answers", path], PYTHONPATH=str(machine.SCRIPTS)))
    failed = 0
    print(f"{'file':<42}{'processor':<12}{'difference':>11}  same class", flush=True)
    for name in processors:
        there = answers(machine.command(folder, name, [CHILD, "answers", path]))
        for (_, model, _), *pair in zip(tasks, here, there, strict=True):
            difference, same = compared(*pair)
            failed += not same or difference > MOST.get(precision_of(model), 1)
            line = f"{Path(model).name:<42}{name:<12}{difference:>11.1e}  {'yes' if same else 'NO'}"
            print(line, flush=True)
    return 1 if failed else 0


def answers(command: list, **variables: str) -> Iterator[dict]:
    """Yields the answers of `on_device.py` as it prints them."""
    environment = {**os.environ, **variables}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as run:
        yield from map(json.loads, run.stdout)
    if run.returncode:
        sys.exit(f"{command[0]} ends with {run.returncode}")


def compared(ours: dict, theirs: dict) -> tuple[float, bool]:
    """The largest difference of a probability, and whether the classes are the same.

    The class of a sample whose two largest probabilities are nearly equal is not compared. The
    scripts print probabilities in 0.1 %, of which the last digit may differ by rounding.
    """
    a, b = (np.array(each["probabilities"]) for each in (ours, theirs))
    lines = {len(each["printed"]) for each in (ours, theirs)}
    if a.shape != b.shape or not len(a) or lines != {len(a)}:
        return float("inf"), False  # a sample could not be classified
    second, first = np.sort(a, axis=-1)[:, -2:].T
    clear = first - second > TIE
    printed = [[line.rpartition(" ")[0] for line in each["printed"]] for each in (ours, theirs)]
    equal = [mine == other for mine, other in zip(*printed, strict=True)]
    same = (a.argmax(-1) == b.argmax(-1)) & equal
    return float(np.abs(a - b).max()), bool(same[clear].all())


def precision_of(path: str) -> str:
    return Path(path).stem.rpartition("-")[2]


def all_tasks(folder: Path):
    """Exports the models; yields the tasks of `on_device.py`."""
    digits = data.load("digits").x_test[:SAMPLES]
    save(folder / "digits", digits)
    save(folder / "photos", photo_tiles(SAMPLES))
    save(folder / "few", photo_tiles(FEW))
    for name in (*SHIPPED, *UNTRAINED):
        keras.utils.set_random_seed(0)
        model = models.create_model(name, **({} if name in SHIPPED else {"view": data.View()}))
        if name in UNTRAINED:
            spread(model)
        kind = "few" if name in UNTRAINED else "digits" if "digits" in name else "photos"
        images = folder / kind
        calibration = sorted(images.iterdir())
        precisions = PRECISIONS if name in SHIPPED else WITH_FLOATS
        for model_path in in_precisions(model, folder, name, calibration, precisions):
            yield "classify_tflite", str(model_path), [str(images)]
    keras.utils.set_random_seed(0)
    size = {"vocabulary": WORDS, "vocabulary_size": len(WORDS) + 2}
    model = spread(models.create_model("text_cct_2_k1", **size))
    for model_path in in_precisions(model, folder, "text_cct_2_k1", TEXTS, WITH_FLOATS):
        yield "classify_text_tflite", str(model_path), TEXTS


def photo_tiles(count: int) -> list[np.ndarray]:
    """Parts of two photos, of many sizes."""
    from sklearn.datasets import load_sample_images

    generator = np.random.default_rng(0)
    tiles = []
    for i in range(count):
        photo = load_sample_images().images[i % 2]
        height, width = generator.integers(40, 300, 2)
        top, left = generator.integers(0, 120, 2)
        tiles.append(photo[top : top + height, left : left + width])
    return tiles


def save(folder, images):
    """Writes every other image as JPEG."""
    folder.mkdir(exist_ok=True)
    for i, image in enumerate(images):
        path = folder / f"{i:02}.{('png', 'jpg')[i % 2]}"
        Image.fromarray(np.squeeze(image).astype("uint8")).save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = list(machine.PROCESSORS)
    parser.add_argument("--processors", nargs="+", choices=known, default=known)
    parser.add_argument("--to", type=Path, help="a folder to keep (a temporary one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main((options.to or Path(temporary)).absolute(), options.processors))
