#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs all benchmarks, one after the other: benchmarks/run_all.sh ESC-10. Leave the machine alone meanwhile.
set -eu
export GOMP_SPINCOUNT=10000 # as the program has it
here=$(cd "$(dirname "$0")" && pwd)
for program in training_step training_step_others tagger_step contrastive_step generate mlp_evaluate preprocess front_ends extract startup metadata shards memory; do
    printf '\n== %s\n' "$program"
    if [ "$program" = preprocess ] || [ "$program" = front_ends ]; then
        python "$here/$program.py" "$1"
    else
        python "$here/$program.py"
    fi
done
