"""Exports models with fresh weights to LiteRT and times them in turn, one image at a time.

    python recipes/measure_latency.py --models cct_7_3x1_32 cct_lsmha cct_conv --runs 100

gave these ratios to the first, medians of 100 runs, on 2 cores of an Intel Xeon (AVX-512,
AMX), keras 3.15.1, tensorflow 2.21.0, ai-edge-litert 2.3.0; one run of the command each:

                              1 thread   2 threads
    cct_7_3x1_32 float32         1.000       1.000
    cct_7_3x1_32 dynamic_int8    0.422       0.455
    cct_lsmha float32            2.464       2.333
    cct_lsmha dynamic_int8       1.910       1.789
    cct_conv float32             0.343       0.397
    cct_conv dynamic_int8        0.139       0.186
"""

import argparse
import tempfile
from pathlib import Path

from cctzoo import export, latency, models
from cctzoo.export.litert import PRECISIONS


def main():
    options = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        targets = {}
        for name in options.models:
            model = models.create_model(name, classes=options.classes)
            for precision in options.precisions:
                path = Path(folder, f"{name}_{precision}.tflite")
                print(export.to_litert(model, path, precision))
                targets[f"{name} {precision}"] = path
        print(f"\n{latency.measure(targets, options.threads, options.runs)}")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--models", nargs="+", default=["cct_7_3x1_32", "cct_lsmha", "cct_conv"], metavar="NAME")
    add("--precisions", nargs="+", default=list(PRECISIONS), choices=PRECISIONS)
    add("--classes", type=int, default=100)
    add("--threads", type=int, default=1)
    add("--runs", type=int, default=50, help="timed runs of each")
    options = parser.parse_args()
    try:
        for name in options.models:
            models.variant_config(name, classes=options.classes)
        for count in ("threads", "runs"):
            if getattr(options, count) < 1:
                value = getattr(options, count)
                raise ValueError(f"`{count}` must be at least 1. Received: {count}={value}")
    except ValueError as error:
        parser.exit(2, f"measure_latency.py: {error}\n")
    return options


if __name__ == "__main__":
    main()
