"""Trains a compact transformer of any size, exports it and times the exported files.

Without arguments: cct_2_3x2_32 on scikit-learn's handwritten digits (1,797 real images,
offline), in a run directory with recipe, history, curves, weights, exports and a report. The
recipe trains CCT, CVT and ViT-Lite; `--preset` sets the numbers of a published recipe.

    KERAS_BACKEND=jax python recipes/train_cct.py
    python recipes/train_cct.py --preset cifar10_300
    python recipes/train_cct.py --preset cifar10_200 --model vit_7_4_32 --dataset npz:mine.npz
    python recipes/train_cct.py --preset imagenet --devices 8 --data-dir /data --no-export

Gives: the figures in docs/benchmarks. The published recipes at full length: not yet run.
"""

from cctzoo.commands.train import main

if __name__ == "__main__":
    main(__doc__)
