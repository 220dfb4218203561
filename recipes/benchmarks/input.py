"""Cost of augmentation, and the speed of the input pipeline compared with a training step.

Measures alternately in one process: a training step without and with an augmentation (the ratio
of the medians is the result), and the time to draw a batch's random numbers on the host. With
`--photographs`, also measures images/s of decoding, cropping and resizing JPEGs on the host,
which limits data sets that are not arrays: with Pillow alone in one thread, with threads, and with
processes (`--worker-processes` of the recipes), alternately.

    python recipes/benchmarks/input.py --json input.json
    python recipes/benchmarks/input.py --model cct_7_3x1_32 --precision mixed_bfloat16
    python recipes/benchmarks/input.py --photographs 500x375 --workers 2
    python recipes/benchmarks/input.py --photographs 64x64 --photographs-to 32 --count 4000

Gives: docs/benchmarks/training.md.
"""

import argparse
import contextlib
import io
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np

from cctzoo import data, training
from cctzoo.data.worker_processes import in_processes
from cctzoo.formats.atomic import write_json
from cctzoo.training.build import build_model, compile_model, training_model


def main():
    options = parse_arguments()
    found = {"backend": keras.backend.backend(), "model": options.model, "batch": options.batch}
    found |= time_steps(options)
    if options.photographs:
        found |= time_photographs(options)
    for name, value in found.items():
        print(f"{name:36}{value:>14.4g}" if isinstance(value, float) else f"{name:36}{value:>14}")
    if options.json:
        write_json(options.json, found)


def time_steps(options):
    """Medians in milliseconds and their ratio; rounds alternate, as other jobs may run."""
    rng = np.random.default_rng(0)
    count = 8 * options.batch
    images = rng.integers(0, 256, (count, 32, 32, 3), "uint8")
    labels = np.arange(count) % 10
    cases = {"plain": data.Augmentation(), "augmented": options.augmentation}
    steps, drawn = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "noise.npz")
        np.savez(path, x_train=images, y_train=labels, x_test=images[:10], y_test=labels[:10])
        for name, augmentation in cases.items():
            recipe = training.Recipe(
                dataset=f"npz:{path}",
                model=options.model,
                batch_size=options.batch,
                augmentation=augmentation,
                precision=options.precision,
                validation=0.0,
            )
            dataset = recipe.load_data()
            model = training_model(build_model(recipe, dataset), recipe, dataset)
            compile_model(model, recipe, steps=10)
            batches = data.ImageBatches(images, labels, 10, options.batch, augmentation)
            steps[name], drawn[name] = step_of(model, batches), batches
    times = {name: [] for name in cases}
    for _ in range(options.rounds):
        for name, step in steps.items():
            times[name] += [step() for _ in range(options.steps)]
    medians = {name: statistics.median(values) for name, values in times.items()}
    start = time.perf_counter()
    for i in range(8):
        drawn["augmented"][i]
    draw = (time.perf_counter() - start) / 8
    return {
        "plain_step_ms": 1e3 * medians["plain"],
        "augmented_step_ms": 1e3 * medians["augmented"],
        "augmented_to_plain": medians["augmented"] / medians["plain"],
        "draw_ms": 1e3 * draw,
        "training_images_per_second": options.batch / medians["augmented"],
        "drawn_images_per_second": options.batch / draw,
    }


def step_of(model, batches):
    """A function that runs a training step, waits for it, and returns its seconds."""
    ready = [batches[i] for i in range(len(batches))]
    place = iter(range(10**9))

    def step():
        inputs, targets = ready[next(place) % len(ready)]
        start = time.perf_counter()
        model.train_on_batch(inputs, targets)  # waits, because it returns the loss as a number
        return time.perf_counter() - start

    for _ in range(2):  # the first call compiles
        step()
    return step


def time_photographs(options):
    """Medians of images/s of random resized crops from JPEGs."""
    from PIL import Image

    (width, height), size = options.photographs, options.photographs_to
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        coarse = rng.integers(0, 256, (height // 8, width // 8, 3), "uint8")
        stream = io.BytesIO()
        Image.fromarray(coarse).resize((width, height)).save(stream, "JPEG", quality=90)
        for name in ("a", "b"):
            Path(folder, name).mkdir()
            for i in range(options.count // 2):
                Path(folder, name, f"{i}.jpg").write_bytes(stream.getvalue())
        dataset = data.load(f"folder:{folder}", validation=0, image_size=size)
        augmentation = data.Augmentation(crop_scale=(0.08, 1.0), flip=True)
        batches = data.ImageBatches(dataset.x_train, dataset.y_train, 2, 32, augmentation)
        processes = stack.enter_context(in_processes(batches, options.workers))
        threads = stack.enter_context(ThreadPoolExecutor(options.workers))
        waiting = stack.enter_context(ThreadPoolExecutor(processes.workers))
        every = range(len(batches))
        ways = {
            "pillow": lambda: [crop_with_pillow(path, size) for path in paths],
            "threads": lambda: list(threads.map(batches.__getitem__, every)),
            "processes": lambda: list(waiting.map(processes.__getitem__, every)),
        }
        paths = dataset.x_train.source.paths[: 32 * len(batches)]
        ways["processes"]()  # which starts them
        rates = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, way in ways.items():
                start = time.perf_counter()
                way()
                rates[name].append(len(paths) / (time.perf_counter() - start))
        return {f"{name}_images_per_second": statistics.median(rates[name]) for name in ways}


def crop_with_pillow(path, size):
    """The least that decoding and cropping an image takes: a fixed crop of a quarter."""
    from PIL import Image

    with Image.open(path) as image:
        width, height = image.size
        box = (width // 4, height // 4, 3 * width // 4, 3 * height // 4)
        return np.asarray(image.convert("RGB").resize((size, size), resample=3, box=box))


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    presets = sorted(set(training.PRESETS) - {"digits"})
    add = parser.add_argument
    add("--model", default="cct_4_3x2_32")
    add("--batch", type=int, default=128, help="images per step (default: 128)")
    add(
        "--preset",
        choices=presets,
        default="cifar100_300",
        help="preset whose augmentation is used",
    )
    add("--steps", type=int, default=4, help="steps per round (default: 4)")
    add("--rounds", type=int, default=5, help="rounds, of which the median is taken (default: 5)")
    add("--precision", default="float32", help="float32, mixed_bfloat16, mixed_float16")
    add("--photographs", metavar="WIDTHxHEIGHT", help="also time JPEGs of this size")
    add("--photographs-to", type=int, default=224, help="side of the crops (default: 224)")
    add("--count", type=int, default=640, help="number of photographs (default: 640)")
    add("--workers", type=int, default=os.cpu_count(), help="threads, and processes")
    add("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    options.augmentation = training.PRESETS[options.preset]["augmentation"]
    try:
        if min(options.steps, options.rounds, options.workers) < 1:
            raise ValueError("--steps, --rounds and --workers must be at least 1.")
        training.Recipe(model=options.model, precision=options.precision)
        data.batches.check_batch_size(options.batch, 8 * options.batch, options.augmentation)
        if options.photographs:
            width, height = options.photographs.split("x")
            options.photographs = int(width), int(height)
    except ValueError as error:
        parser.exit(2, f"input.py: {error}\n")
    return options


if __name__ == "__main__":
    main()
