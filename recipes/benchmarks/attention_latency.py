"""Latency of softmax and polynomial attention in LiteRT, by heads and by tokens.

    python recipes/benchmarks/attention_latency.py --to latency
    python recipes/benchmarks/attention_latency.py --precision dynamic_int8 --heads 4 64 256

CCT-7/3x1 with random weights: one curve over the number of heads for images of 32 pixels, which
have 256 tokens, and one over the number of tokens for 64 heads. All models are timed alternately
on one thread; ratios are to softmax attention with 4 heads and 256 tokens.

Gives: the tables of docs/polynomial-attention.md, which docs/images/draw.py draws.
"""

import argparse
import math
import tempfile
from pathlib import Path

import keras

from cctzoo import export, latency, models
from cctzoo.export.litert import CALIBRATED, PRECISIONS
from cctzoo.models import CCTConfig

KINDS = CCTConfig.ATTENTION_KINDS
HEADS, TOKENS = 64, 256  # of the curve over tokens, of the curve over heads


def main():
    options = parse_arguments()
    cases = [(heads, TOKENS) for heads in options.heads]
    cases += [(HEADS, tokens) for tokens in options.tokens if tokens != TOKENS]
    cases = [(4, TOKENS), *(case for case in dict.fromkeys(cases) if case != (4, TOKENS))]
    with tempfile.TemporaryDirectory() as folder:
        targets = {}
        for heads, tokens in cases:
            for kind in KINDS:
                path = Path(folder, f"{kind}_{heads}_{tokens}.tflite")
                model = build(kind, heads, tokens, options.depth)
                report = export.to_litert(model, path, options.precision, least_agreement=0.0)
                print(report, flush=True)
                targets[label(kind, heads, tokens)] = path
                keras.utils.clear_session()
        timed = latency.measure(targets, threads=1, runs=options.runs)
    print(timed)
    rows = {row.name: row for row in timed.rows}
    for name, part in (
        ("heads", [c for c in cases if c[1] == TOKENS]),
        ("tokens", [c for c in cases if c[0] == HEADS]),
    ):
        print(f"\n{table(rows, sorted(part), name)}")
    if options.to:
        options.to.mkdir(parents=True, exist_ok=True)
        timed.save(options.to / "attention_latency.json")


def build(kind, heads, tokens, depth):
    side = 2 * math.isqrt(tokens)  # the tokenizer's pooling halves the image
    return models.create_model(
        "cct_7_3x1_32",
        attention=kind,
        heads=heads,
        input_shape=(side, side, 3),
        depth=depth,
        classifier_activation=None,
    )


def label(kind, heads, tokens):
    return f"{kind}, {heads} heads, {tokens} tokens"


def table(rows, cases, name):
    """Markdown: the ratio of each kind of attention over the heads or the tokens."""
    values = [heads if name == "heads" else tokens for heads, tokens in cases]
    lines = [f"| {name} | " + " | ".join(map(str, values)) + " |", "|---" * (len(cases) + 1) + "|"]
    for kind in KINDS:
        cells = [f"{rows[label(kind, *case)].ratio:.2f}" for case in cases]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--heads", type=int, nargs="+", default=[4, 16, 64, 128, 256], help="divisors of 256")
    add("--tokens", type=int, nargs="+", default=[64, 256, 1024], help="even squares")
    add("--precision", choices=[p for p in PRECISIONS if p not in CALIBRATED], default="float32")
    add("--depth", type=int, default=7, help="encoder blocks")
    add("--runs", type=int, default=30, help="timed runs per model")
    add("--to", type=Path, help="folder for attention_latency.json")
    options = parser.parse_args()
    try:
        for tokens in options.tokens:
            if tokens < 4 or math.isqrt(tokens) ** 2 != tokens:
                raise ValueError(f"--tokens must be square numbers from 4 on. Received: {tokens}")
        for heads in options.heads:
            models.variant_config("cct_7_3x1_32", heads=heads, depth=options.depth)
        if options.runs < 1:
            raise ValueError(f"--runs must be at least 1. Received: {options.runs}")
    except ValueError as error:
        parser.exit(2, f"attention_latency.py: {error}\n")
    return options


if __name__ == "__main__":
    main()
