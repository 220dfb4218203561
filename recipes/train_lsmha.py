"""Trains a transformer with large-scale multi-head attention: as many heads as labels, or more.

Without arguments: cct_2_3x2_32 with 64 heads of width 2 on handwritten digits. The paper's
own size is cct_lsmha, which is CCT-7/3x1 with 64 heads of width 4:

    python recipes/train_lsmha.py
    python recipes/train_lsmha.py --preset cifar100_300 --model cct_lsmha
    python recipes/train_lsmha.py --preset cifar10_200 --model cct_lsmha --heads 16 \\
        --dataset npz:cifar10.npz --tensorboard

Gives: digits, see recipes/README.md. cct_lsmha at full length: not yet run.

Reference: "Low-latency vision transformers via large-scale multi-head attention",
arXiv 2506.23832.
"""

from cctzoo import training
from cctzoo.deliver import deliver


def main():
    parser = training.recipe_parser(__doc__)
    parser.add_argument("--no-export", action="store_true", help="train only")
    run, options = training.run_recipe(parser, model="cct_2_3x2_32", heads=64)
    if not options.no_export:
        deliver(run.model, run.dataset, run.directory)


if __name__ == "__main__":
    main()
