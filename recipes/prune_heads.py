"""Prunes the heads of a trained model, fine-tunes it, exports it and compares before and after.

    python recipes/prune_heads.py runs/MY_RUN --keep 32
    python recipes/prune_heads.py runs/MY_RUN --keep 16 --by ablation --epochs 6
    python recipes/prune_heads.py cct_2_3x2_32.digits --dataset digits --keep 2

Heads are ranked on training samples by gradient, by ablation, or by the number of labels that
each recognises (SHP). The best heads of every block stay in a smaller model, which is trained
with the data and the augmentation of the run. By default, it is trained for a fifth of the run's
epochs at a fifth of its learning rate. Trained weights without a run need `--dataset`; they are
fine-tuned as by `fine_tune.py`, shortened in the same way. The new run directory also holds
`pruning.json`; the model before fine-tuning is next to it, under the same name with `.keras`.

Gives: the figures in docs/benchmarks/heads.md.
"""

from cctzoo.commands.prune import main

if __name__ == "__main__":
    main(__doc__)
