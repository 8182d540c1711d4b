#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# From recordings to evaluated representations, with one command:
#
#     samples/quickstart.sh [BASEDIR]
#
# BASEDIR is a data set that audeep can read, such as a folder for each class: `audeep run` takes the recommended
# settings. Without it, recordings are synthesised that differ in nothing but how sound evolves over time, and the steps
# are taken one by one, with one of the recommended models, trained for a twelfth of the time. Everything that is made
# goes to quickstart/ in the working directory; remove that folder to start afresh.
set -eu

project=$(cd "$(dirname "$0")/.." && pwd)
. "$project/samples/install.sh"
output=quickstart
mkdir -p "$output"

step() { printf '\n== %s\n' "$*"; }

[ $# -eq 0 ] || exec audeep run "$1" --output "$output"

basedir=$output/recordings
step "Synthesise recordings: 8 classes in 5 folds, in pairs that are each other's reversal in time"
python "$project/samples/synthesise.py" "$basedir"

step "Look at the recordings"
audeep inspect raw --basedir "$basedir"

step "Extract mel spectrograms (preprocess)"
audeep preprocess --preset recommended --basedir "$basedir" --output "$output/spectrograms.nc"

step "Train an encoder to tell the recordings apart, without looking at a label (contrastive train)"
rm -rf "$output/untrained" "$output/trained"
audeep contrastive train --input "$output/spectrograms.nc" --run-name "$output/trained" --num-epochs 4
audeep contrastive train --input "$output/spectrograms.nc" --run-name "$output/untrained" --num-epochs 0

step "Take what the encoder has learned as one feature vector per recording (contrastive generate)"
for name in untrained trained; do
    given="--model-dir $output/$name --input $output/spectrograms.nc"
    audeep contrastive generate $given --output "$output/$name-layers.nc"
    audeep contrastive generate $given --output "$output/$name-head.nc" --pooled
done

step "Evaluate the features: can a linear classifier tell the classes from them? (svm evaluate)"
audeep svm evaluate --preset recommended --input "$output/trained-head.nc" --cross-validate \
    --plot "$output/confusion.png"
accuracy() {
    found=$(audeep svm evaluate --quiet --preset recommended --input "$1" --cross-validate)
    printf '%s\n' "${found%%,*}" | awk '{ printf "%.1f", 100 * $1 }'
}

step "Compare with features that ignore order: the mean spectrum of each recording"
chance=$(python "$project/samples/band_statistics.py" "$output/spectrograms.nc" "$output/mean-spectra.nc")
statistics=$(accuracy "$output/mean-spectra.nc")

step "Write the features as CSV, for every other tool (export)"
audeep export --input "$output/trained-head.nc" --format csv --output "$output/csv"

step "Accuracy of a linear SVM in 5-fold cross-validation"
printf '%-52s %6s %%\n' \
    "chance (always the most frequent class)" "$chance" \
    "mean spectra, which ignore order" "$statistics" \
    "layers of the encoder before training" "$(accuracy "$output/untrained-layers.nc")" \
    "layers of the trained encoder" "$(accuracy "$output/trained-layers.nc")" \
    "head of the encoder before training" "$(accuracy "$output/untrained-head.nc")" \
    "head of the trained encoder" "$(accuracy "$output/trained-head.nc")"
printf '\nFeatures: %s, as CSV in %s\n' "$output/trained-head.nc" "$output/csv"
printf 'Watch the training: %s --logdir %s\n' "$project/.venv/bin/tensorboard" "$output/trained/logs"
