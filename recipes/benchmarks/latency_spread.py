"""The spread of repeated measurements of one architecture, each with its own export.

    python recipes/benchmarks/latency_spread.py --heads 64 --conv-prefix 3 --times 10

Each repetition builds, exports and times the model again, in new processes. Prints the ratios to
the anchor, and the 90th divided by the 10th percentile of ratios and of milliseconds.

Gives: docs/benchmarks/search.md.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

if not __package__:  # a script's path has its folder, not the checkout
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from cctzoo.models import variant_config
from tuning.latency import EdgeLatency


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="cct_7_3x1_32", help="a named model")
    parser.add_argument("--heads", type=int, default=64)
    parser.add_argument("--conv-prefix", type=int, default=3)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--runs", type=int, default=EdgeLatency.runs)
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    config = variant_config(options.model, heads=options.heads, conv_prefix=options.conv_prefix)
    ratios, plain = [], []
    for _ in range(options.times):
        with tempfile.TemporaryDirectory() as cache:  # a new cache, so that nothing is reused
            edge = EdgeLatency(cache=cache, precision=options.precision, runs=options.runs)
            measured = edge.measure(config)
        ratios.append(measured["ratio"])
        plain.append(measured["latency_ms"])
        print(f"ratio {ratios[-1]:.4f}, {plain[-1]:.3f} ms", flush=True)
    for name, values in {"ratio": ratios, "milliseconds": plain}.items():
        low, high = np.percentile(values, [10, 90])
        print(f"{name}: median {np.median(values):.4f}, p90/p10 {high / low:.3f}")


if __name__ == "__main__":
    main()
