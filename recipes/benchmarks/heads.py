"""Time and memory of single-head performance (SHP) at the size of the paper.

    KERAS_BACKEND=torch python recipes/benchmarks/heads.py
    python recipes/benchmarks/heads.py --model cct_conv --images 2000

CCT-7/3x1 with 64 heads and 100 classes, 10,000 images to fit the probes and 10,000 to evaluate
them. The images are noise with an offset per class, and the weights are random; neither changes
the time.

Gives: docs/benchmarks/heads.md.
"""

import argparse
import sys
import time

import numpy as np

from cctzoo import analysis, models
from cctzoo.machine import peak_memory


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--model", default="cct_lsmha", help="a variant that takes images")
    add("--classes", type=int, default=100)
    add("--images", type=int, default=10_000, help="images per part (default: 10000)")
    options = parser.parse_args()
    try:
        model = models.create_model(options.model, classes=options.classes)
        parts = [noise(model.config, options.images) for _ in range(2)]
        start = time.perf_counter()
        found = analysis.single_head_performance(model, *parts)
    except ValueError as error:
        sys.exit(f"heads.py: {error}")
    seconds = time.perf_counter() - start
    print(
        f"{len(found.blocks)} blocks, {options.images} + {options.images} images: {seconds:.0f} s"
    )
    print(
        f"peak memory of the process {peak_memory() / 1e9:.2f} GB, Keras and its backend included"
    )


def noise(config, count):
    """(images (count, height, width, channels) uint8, labels); classes differ in brightness."""
    labels = np.arange(count) % config.classes
    images = np.random.default_rng(0).integers(0, 156, (count, *config.input_shape), "uint8")
    images += (labels * 100 // config.classes).astype("uint8")[:, None, None, None]
    return images, labels


if __name__ == "__main__":
    main()
