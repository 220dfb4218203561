"""Trains a low-latency form: convolutions in place of the first transformer blocks.

Without arguments: cct_conv (64 heads, 3 of 7 blocks convolutions) at half its width on
handwritten digits. `--conv-prefix 0` trains the same without, for comparison.

    python recipes/train_conv_prefix.py
    python recipes/train_conv_prefix.py --preset cifar10_200 --model cct_conv --embed-dim 256 \\
        --dataset npz:cifar10.npz

Gives: recipes/README.md has what was run. At full length: not yet run.

Reference: "Low-latency vision transformers via large-scale multi-head attention",
arXiv 2506.23832; the design of the prefix is ours, see `layers.ConvPrefix`.
"""

from cctzoo import training
from cctzoo.deliver import deliver


def main():
    parser = training.recipe_parser(__doc__)
    parser.add_argument("--no-export", action="store_true", help="train only")
    run, options = training.run_recipe(parser, model="cct_conv", embed_dim=128)
    if not options.no_export:
        deliver(run.model, run.dataset, run.directory)


if __name__ == "__main__":
    main()
