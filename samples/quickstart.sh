#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# From recordings to evaluated representations, with one command:
#
#     samples/quickstart.sh [BASEDIR]
#
# BASEDIR is a data set that audeep can read, such as a folder for each class: `audeep run` takes the recommended
# settings. Without it, recordings are synthesised that differ in nothing but how sound evolves over time, and the steps
# are taken one by one, with a small recurrent autoencoder. Everything that is made goes to
# quickstart/ in the working directory; remove that folder to start afresh.
set -eu

project=$(cd "$(dirname "$0")/.." && pwd)
. "$project/samples/install.sh"
output=quickstart
mkdir -p "$output"

step() { printf '\n== %s\n' "$*"; }

[ $# -eq 0 ] || exec audeep run "$1" --output "$output"

basedir=$output/recordings
spectra="--window-width 0.04 --window-overlap 0.02 --mel-spectrum 64 --fixed-length 1.5 --clip-below -60"
model="--num-epochs 40 --num-layers 2 --num-units 64 --batch-size 32"
step "Synthesise recordings: 8 classes in 5 folds, in pairs that are each other's reversal in time"
python "$project/samples/synthesise.py" "$basedir"

step "Look at the recordings"
audeep inspect raw --basedir "$basedir"

step "Extract mel spectrograms (preprocess)"
audeep preprocess --basedir "$basedir" $spectra --output "$output/spectrograms.nc"

step "Train a recurrent autoencoder to rebuild them, without looking at a label (t-rae train)"
rm -rf "$output/t-rae"
audeep t-rae train --input "$output/spectrograms.nc" --run-name "$output/t-rae" $model

step "Take what the autoencoder has learned as one feature vector per recording (t-rae generate)"
audeep t-rae generate --model-dir "$output/t-rae/logs" --input "$output/spectrograms.nc" --output "$output/features.nc"

step "Evaluate the features: can a classifier tell the classes from them? (mlp evaluate, svm evaluate)"
audeep mlp evaluate --input "$output/features.nc" --cross-validate --plot "$output/confusion.png"
mlp=$(audeep mlp evaluate --quiet --input "$output/features.nc" --cross-validate)
svm=$(audeep svm evaluate --quiet --input "$output/features.nc" --cross-validate --complexity 0.01)

step "Compare with features that ignore order: the mean spectrum of each recording"
chance=$(python "$project/samples/band_statistics.py" "$output/spectrograms.nc" "$output/mean-spectra.nc")
statistics=$(audeep svm evaluate --quiet --input "$output/mean-spectra.nc" --cross-validate --complexity 0.01)

step "Write the features as CSV, for every other tool (export)"
audeep export --input "$output/features.nc" --format csv --output "$output/csv"

percent() { printf '%s\n' "${1%%,*}" | awk '{ printf "%.1f", 100 * $1 }'; }

step "Accuracy in 5-fold cross-validation"
printf '%-52s %6s %%\n' \
    "chance (always the most frequent class)" "$chance" \
    "linear SVM on mean spectra, which ignore order" "$(percent "$statistics")" \
    "linear SVM on the learned features" "$(percent "$svm")" \
    "MLP on the learned features" "$(percent "$mlp")"
printf '\nFeatures: %s, as CSV in %s\n' "$output/features.nc" "$output/csv"
printf 'Watch the training: %s --logdir %s\n' "$project/.venv/bin/tensorboard" "$output/t-rae/logs"
