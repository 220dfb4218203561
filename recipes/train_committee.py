"""Trains models with different numbers of heads and averages them: a soft committee.

Without arguments: three cct_2_3x2_32 with 4, 16 and 64 heads on handwritten digits. Each is
trained with its own seed in its own folder of the run directory. The committee is then written
to `committee.keras`, its test accuracy and that of its members to `report.json`.

    python recipes/train_committee.py
    python recipes/train_committee.py --members 16 64 100 --model cct_7_3x1_32 \\
        --changes '{"head_dim": 4}' --preset cifar100_300

`--resume DIRECTORY` resumes a committee that was stopped.

Gives: the figures in docs/benchmarks/accuracy.md. cct_7_3x1_32 on CIFAR-100: not yet run.

Reference: "Low-latency vision transformers via large-scale multi-head attention",
arXiv 2506.23832: models of equal accuracy with differently structured heads err on different
images.
"""

from cctzoo.commands.committee import main

if __name__ == "__main__":
    main(__doc__)
