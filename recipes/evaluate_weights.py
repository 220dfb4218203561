"""Evaluates trained weights on a test part, compared with their stated accuracy.

    python recipes/evaluate_weights.py cct_2_3x2_32.digits
    python recipes/evaluate_weights.py cct_2_3x2_32.cifar10 --dataset npz:cifar10.npz
    python recipes/evaluate_weights.py runs/MY_RUN
    python recipes/evaluate_weights.py model.keras --dataset folder:photos
    python recipes/evaluate_weights.py --list

Weights with a tag are compared with their published accuracy, those of a run with the accuracy
after its training.

    python recipes/evaluate_weights.py runs/MY_RUN --devices 2
    torchrun --nproc-per-node 2 recipes/evaluate_weights.py runs/MY_RUN

Gives: cct_2_3x2_32.digits, 97.77% of 359 test images; more in docs/benchmarks/accuracy.md. The
exit code is 1 if the accuracy is more than 0.1 points below the stated one.
"""

from cctzoo.commands.evaluate import main

if __name__ == "__main__":
    main(__doc__)
