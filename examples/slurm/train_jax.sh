#!/usr/bin/env bash
# JAX on several machines under Slurm: sbatch --nodes 2 train_jax.sh FLAGS
# One process for each machine uses all its devices. The flags are those of `cctzoo train`.
# The data and the run directory must lie on a file system that all machines see.
#SBATCH --job-name=cctzoo
#SBATCH --ntasks-per-node=1
#SBATCH --requeue
set -euo pipefail

first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export KERAS_BACKEND=jax
export KERAS_DISTRIBUTION_JOB_ADDRESSES="$first:${PORT:-29500}"
export KERAS_DISTRIBUTION_NUM_PROCESSES="$SLURM_NNODES"
srun --kill-on-bad-exit=1 bash -c \
    'KERAS_DISTRIBUTION_PROCESS_ID=$SLURM_PROCID exec python -m cctzoo train "$@"' train "$@"
