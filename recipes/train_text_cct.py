"""Trains a compact transformer on texts, exports it, and times what came out.

Without arguments: text_cct_2_k2 on sentences of Python's own documentation (about 4,100, from
ten modules of the standard library; offline), in a run directory as recipes/train_cct.py
leaves it. Any number of heads, any of the four families, a convolutional prefix:

    KERAS_BACKEND=jax python recipes/train_text_cct.py
    python recipes/train_text_cct.py --heads 64 --model text_vit_2_k4
    python recipes/train_text_cct.py --preset ag_news --word-vectors glove.6B.300d.txt
    python recipes/train_text_cct.py --dataset csv:mine.csv --length 32 --epochs 10

Gives: docs/benchmarks.md has what was run, and how. AG News and IMDb: not yet run.
"""

from cctzoo.runs import train_and_deliver

if __name__ == "__main__":
    train_and_deliver(__doc__, preset="docstrings")
