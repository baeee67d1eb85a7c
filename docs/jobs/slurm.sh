#!/bin/bash
# One study on four machines of a Slurm cluster, every GPU of each: sbatch slurm.sh
#SBATCH --job-name=arnn-search
#SBATCH --array=1-4
#SBATCH --gres=gpu:4
#SBATCH --cpus-per-task=32
#SBATCH --mem=128G
#SBATCH --time=08:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --output=arnn-search-%A_%a.log
set -euo pipefail

# The database's password is in this file (chmod 600), in no command and no log:
#   database.example.org:5432:studies:me:PASSWORD
export PGPASSFILE="${PGPASSFILE:-$HOME/.pgpass}"

# Each machine has a folder of its own, the same one when the job is requeued.
FOLDER="${STUDIES:-$HOME/arnn-studies}/$SLURM_ARRAY_TASK_ID"

srun arnn-search doctor \
    --directory "$FOLDER" \
    --storage postgresql://me@database.example.org:5432/studies \
    --tracking-uri http://mlflow.example.org:5000

srun arnn-search run \
    --study fashion \
    --storage postgresql://me@database.example.org:5432/studies \
    --tracking-uri http://mlflow.example.org:5000 \
    --directory "$FOLDER" \
    --space poster-cnn \
    --data "$HOME/data/fashion-mnist.npz" \
    --trials 400 \
    --epochs 20 \
    --pruner asha \
    --devices auto \
    --quiet
