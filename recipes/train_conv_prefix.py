"""Trains a low-latency model: convolutions in place of the first transformer blocks.

Without arguments: cct_conv (64 heads, 3 of 7 blocks are convolutions) at half its width on
handwritten digits. `--conv-prefix 0` trains the same model without convolutions, for comparison.

    python recipes/train_conv_prefix.py
    python recipes/train_conv_prefix.py --preset cifar10_200 --model cct_conv --embed-dim 256 \\
        --dataset npz:cifar10.npz

Gives: the figures in docs/benchmarks/accuracy.md. At full length: not yet run.

Reference: "Low-latency vision transformers via large-scale multi-head attention",
arXiv 2506.23832. The design of the prefix is our choice, see `layers.ConvPrefix`.
"""

from cctzoo.commands.train import main

if __name__ == "__main__":
    main(__doc__, model="cct_conv", embed_dim=128)
