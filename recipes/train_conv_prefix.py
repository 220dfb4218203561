"""Trains a low-latency form: convolutions in place of the first transformer blocks.

Without arguments: cct_conv (64 heads, 3 of 7 blocks convolutions) at half its width on
handwritten digits. `--conv-prefix 0` trains the same without, for comparison.

    python recipes/train_conv_prefix.py
    python recipes/train_conv_prefix.py --preset cifar10_200 --model cct_conv --embed-dim 256 \\
        --dataset npz:cifar10.npz

Gives: docs/benchmarks.md has what was run. At full length: not yet run.

Reference: "Low-latency vision transformers via large-scale multi-head attention",
arXiv 2506.23832; the design of the prefix is ours, see `layers.ConvPrefix`.
"""

from cctzoo.runs import train_and_deliver

if __name__ == "__main__":
    train_and_deliver(__doc__, model="cct_conv", embed_dim=128)
