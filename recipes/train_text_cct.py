"""Trains a compact transformer on texts, exports it and times the exported files.

Without arguments: text_cct_2_k2 on sentences of Python's documentation (about 4,100, from ten
modules of the standard library; offline), in a run directory as in recipes/train_cct.py. Any
number of heads, any of the four text families and a convolutional prefix can be chosen:

    KERAS_BACKEND=jax python recipes/train_text_cct.py
    python recipes/train_text_cct.py --heads 64 --model text_vit_2_k4
    python recipes/train_text_cct.py --preset ag_news --word-vectors glove.6B.300d.txt
    python recipes/train_text_cct.py --dataset csv:mine.csv --length 32 --epochs 10

Gives: the figures in docs/benchmarks/accuracy.md. AG News and IMDb: not yet run.
"""

from cctzoo.commands.train import main

if __name__ == "__main__":
    main(__doc__, preset="docstrings")
