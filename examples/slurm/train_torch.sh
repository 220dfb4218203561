#!/usr/bin/env bash
# PyTorch on several machines under Slurm: sbatch --nodes 2 --gpus-per-node 4 train_torch.sh FLAGS
# The flags are those of `cctzoo train`; the same flags with --resume DIRECTORY continue a run.
# The data and the run directory must lie on a file system that all machines see.
#SBATCH --job-name=cctzoo
#SBATCH --ntasks-per-node=1
#SBATCH --requeue
set -euo pipefail

first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
srun --kill-on-bad-exit=1 torchrun \
    --nnodes "$SLURM_NNODES" \
    --nproc-per-node "${SLURM_GPUS_ON_NODE:-1}" \
    --rdzv-backend c10d \
    --rdzv-endpoint "$first:${PORT:-29500}" \
    --rdzv-id "$SLURM_JOB_ID" \
    -m cctzoo train "$@"
