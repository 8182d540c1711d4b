#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A kernel for beginners of Freesound's competition at Kaggle in 2018: convolutions on sound itself and on MFCC, ten
# folds of each, their geometric mean (docs/explanation/freesound-kernel.md). Usage and output: tagging.sh, beside this
# file.
name=freesound-kernel
. "$(dirname "$0")/tagging.sh"

read_arguments "$@"
folds=10 epochs=50 samples=32000 width_of_conv1d=16 width_of_mfcc_cnn=32
if [ -n "$smoke" ]; then
    folds=2 epochs=1 samples=4000 width_of_conv1d=1 width_of_mfcc_cnn=2
fi

# system NETWORK FRAMES WIDTH FILL OPTION...: train the folds, and predict the test set by each, and the training set
# out of fold; with options of preprocess.
system() {
    network=$1 frames=$2 width=$3 fill=$4
    shift 4
    own=$output/$network
    spectra_in_folds $folds Train "$own-train.nc" "$@"
    spectra Test "$own-test.nc" "$@"
    train_models "$own" --input "$own-train.nc" --folds all --keep-best --patience 5 --num-epochs $epochs \
        --crop-frames "$frames" --window-frames "$frames" --fill "$fill" --width "$width" --epsilon 1e-7
    predict "$own-out-of-fold.nc" --step best --model-dir "$own" --input "$own-train.nc" --out-of-fold
    score "$network-out-of-fold"
    fold=1
    while [ $fold -le $folds ]; do
        predict "$own-test-$fold.nc" --step best --model-dir "$own/fold-$fold/logs" --input "$own-test.nc"
        all="${all-} $network-test-$fold"
        fold=$((fold + 1))
    done
}

system conv1d $samples $width_of_conv1d pad --front-end waveform
system mfcc-cnn 173 $width_of_mfcc_cnn repeat --front-end mfcc --sample-rate 44100 --num-coefficients 40
fuse ensemble geometric $all
submit fsdkaggle-2018 ensemble
score ensemble --by usage
report conv1d-out-of-fold-score mfcc-cnn-out-of-fold-score ensemble-agreement ensemble-score
