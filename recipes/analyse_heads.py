"""Analyses what a model's heads have learned: one HTML page to explore, and all figures as JSON.

    python recipes/analyse_heads.py runs/MY_RUN
    python recipes/analyse_heads.py model.keras --dataset npz:mine.npz --samples 5000
    python recipes/analyse_heads.py cct_2_3x2_32.digits --dataset digits
    python recipes/analyse_heads.py cct_lsmha --dataset cifar100 --ablation-samples 0
    python recipes/analyse_heads.py runs/A runs/B

Computes single-head and single-nodal performance, clusters, noise and SNR of every block,
compared with the same model with random weights; importance by gradient and by ablation;
accuracy with fewer heads; attention of each head and its rollout. For text models, it also prints
how much each word contributes. Writes report.html, figures.json, pictures/, and the matrices and
samples as .npz files.

With two sources, both must be analysed already: the page shows them side by side. Each is a run, or
the folder of an analysis. One folder of an analysis makes its page again.

    python recipes/analyse_heads.py runs/MY_RUN --devices 2
    torchrun --nproc-per-node 2 recipes/analyse_heads.py runs/MY_RUN

Gives: the figures in docs/benchmarks/heads.md.

Reference: "Low-latency vision transformers via large-scale multi-head attention",
arXiv 2506.23832.
"""

from cctzoo.commands.analyse import main

if __name__ == "__main__":
    main(__doc__)
