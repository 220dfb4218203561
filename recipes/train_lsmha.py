"""Trains a transformer with large-scale multi-head attention: at least as many heads as labels.

Without arguments: cct_2_3x2_32 with 64 heads of width 2 on handwritten digits. The size of the
paper is cct_lsmha, which is CCT-7/3x1 with 64 heads of width 4:

    python recipes/train_lsmha.py
    python recipes/train_lsmha.py --preset cifar100_300 --model cct_lsmha
    python recipes/train_lsmha.py --preset cifar10_200 --model cct_lsmha --heads 16 \\
        --dataset npz:cifar10.npz --tensorboard

Gives: the figures in docs/benchmarks/heads.md (digits). cct_lsmha at full length: not yet run.

Reference: "Low-latency vision transformers via large-scale multi-head attention",
arXiv 2506.23832.
"""

from cctzoo.commands.train import main

if __name__ == "__main__":
    main(__doc__, model="cct_2_3x2_32", heads=64)
