"""Draws the pictures of the README and of the documentation, each as SVG and as PNG.

    python docs/images/draw.py                      # all of them: one minute on two cores
    python docs/images/draw.py architecture latency

| picture | what | source |
|---|---|---|
| `architecture` | the path of an image through `cct_conv` | its config |
| `latency` | latency by model, by heads and by prefix | tables of `docs/benchmarks` |
| `accuracy` | accuracy against latency, with ResNet-20 | a table of `docs/benchmarks` |
| `attention_latency` | both kinds of attention | the tables of `docs/polynomial-attention.md` |
| `blocks` | what the heads of CCT-7/3x1 know along its blocks | a table of `docs/benchmarks` |
| `claims` | accuracy by number of heads; early learning | tables and `docs/results` |
| `polynomial_attention` | the kernels of attention, and their cost | their formulas |
| `shp`, `rollout` | a head, and where the model looks, before and after training | trained here |

`browser.png` and `cifar10_heads_prefix.png` are a screenshot and the front of a search, and the
curves `cct_conv6_polynomial_cifar10.png` come from a run.
"""

import argparse
from pathlib import Path

import draw_accuracy
import draw_architecture
import draw_blocks
import draw_claims
import draw_heads
import draw_latency
import draw_polynomial
import matplotlib

PICTURES = {
    "architecture": draw_architecture.draw,
    "latency": draw_latency.draw,
    "blocks": draw_blocks.draw,
    "claims": draw_claims.draw,
    "accuracy": draw_accuracy.draw,
    "attention_latency": draw_latency.draw_attention,
    "polynomial_attention": draw_polynomial.draw,
    "shp": draw_heads.draw_shp,
    "rollout": draw_heads.draw_rollout,
}
DPI = 150  # of the PNG


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="pictures (all)")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent, help="folder")
    options = parser.parse_args()
    if unknown := set(options.names) - PICTURES.keys():
        parser.exit(2, f"draw.py: no such picture: {', '.join(sorted(unknown))}\n")
    options.to.mkdir(parents=True, exist_ok=True)
    matplotlib.rcParams["svg.hashsalt"] = "cctzoo"  # the same file for the same figures
    for name in options.names or PICTURES:
        figure = PICTURES[name]()
        for suffix, keywords in (("svg", {"metadata": {"Date": None}}), ("png", {"dpi": DPI})):
            path = options.to / f"{name}.{suffix}"
            figure.savefig(path, **keywords)
            print(f"{path}: {path.stat().st_size / 1e3:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
