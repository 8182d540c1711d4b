#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# DCASE 2018, task 2, as Dorfer and Widmer did it: three VGG nets on two front ends, trained on noisy labels, which the
# models of four folds then verify round by round (docs/explanation/dcase-2018.md). Usage and output: tagging.sh, beside
# this file.
name=dcase-2018
network=vgg-gap
. "$(dirname "$0")/tagging.sh"

read_arguments "$@"
folds=4
training="--fit-frames 3000 --crop-frames 384 --num-epochs 500 --schedule linear --decay-start 100"
verifying="--excerpt-frames 384"
narrow= wide=
if [ -n "$smoke" ]; then
    folds=2
    training="--fit-frames 256 --crop-frames 192 --num-epochs 1 --schedule linear"
    verifying="--excerpt-frames 192 --num-excerpts 2 --num-rounds 1 --num-epochs 1 --decay-start 0 --threshold 0"
    narrow=2 wide=3
fi

# architecture NAME FRONT-END WIDTH MIXUP BATCH RATE: train, verify, and predict by the best round.
architecture() {
    own=$output/$1
    spectra_in_folds $folds Train "$output/$2.nc" --front-end "$2"
    spectra Test "$output/$2-test.nc" --front-end "$2"
    train_models "$own" --input "$output/$2.nc" --folds all --verified-only --keep-best $training --width "$3" \
        --mixup "$4" --batch-size "$5"
    predict "$own-all-labels.nc" --step best --model-dir "$own" --input "$output/$2-test.nc"
    if [ ! -e "$own-verified/done" ]; then
        step "$name: verify labels, $own-verified"
        audeep self-verify --model-dir "$own" --run-name "$own-verified" --input "$output/$2.nc" --seed "$seed" \
            --epsilon-hat --batch-size "$5" --learning-rate "$6" $verifying --continue
        touch "$own-verified/done"
    fi
    best=$(awk -F, 'NR == 2 || NR > 2 && $4 < loss { best = $1; loss = $4 } END { print best }' \
        "$own-verified/rounds.csv")
    predict "$own-verified.nc" --step best --model-dir "$own-verified/round-$best" --input "$output/$2-test.nc"
}

architecture spec1-1 perceptual-mel "${narrow:-48}" 0.2 100 1e-4
architecture spec1-2 perceptual-mel "${wide:-64}" 0.3 100 1e-4
architecture spec2 log-bands "${wide:-64}" 0.3 50 2e-4
fuse ensemble-all-labels mean spec1-1-all-labels spec1-2-all-labels spec2-all-labels
fuse ensemble-verified mean spec1-1-verified spec1-2-verified spec2-verified
submit fsdkaggle-2018 ensemble-verified
score ensemble-verified --by usage
report ensemble-all-labels-agreement ensemble-verified-agreement ensemble-verified-score
