#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Does training pay? Accuracy on ESC-10 (5 folds, linear SVM) of the features of one model after so many epochs:
#
#     benchmarks/accuracy_by_epoch.sh ESC-10 SEED fine|coarse
#
# with the training by masked frames (docs/explanation/feature-quality.md) on fine spectrograms, or on the coarse ones of the
# tutorial.
# Epoch 0 is a network with random weights. Prints epoch, loss and accuracy as CSV.
set -eu
basedir=$1
seed=$2
case $3 in
fine)
    spectra="--window-width 0.02 --window-overlap 0.01 --mel-spectrum 64"
    masked="--mask-span 12 --crop-frames 96"
    ;;
coarse)
    spectra="--window-width 0.08 --window-overlap 0.04 --mel-spectrum 128"
    masked="--mask-span 6 --crop-frames 48"
    ;;
*) exit 1 ;;
esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

features_after() { # RUN STEPS...
    run=$1
    shift
    outputs=
    for step in "$@"; do
        outputs="$outputs $folder/$step.nc"
    done
    audeep --quiet t-rae generate --model-dir "$folder/$run/logs" --input "$folder/spectrograms.nc" --steps "$@" \
        --output $outputs
}

train() { # RUN [OPTION...]
    run=$1
    shift
    audeep --quiet t-rae train --input "$folder/spectrograms.nc" --run-name "$folder/$run" --num-layers 2 \
        --num-units 256 --bidirectional-encoder --decoder frame --masked-frames 0.4 $masked \
        --seed "$seed" --checkpoints-to-keep 100 "$@"
}

score() { # EPOCH LOSS FILE
    accuracy=$(audeep --quiet svm evaluate --cross-validate --complexity 0.003 --input "$3")
    printf '%s,%s,%s\n' "$1" "$2" "${accuracy%%,*}"
}

audeep --quiet preprocess --basedir "$basedir" $spectra --fixed-length 5 --clip-below -60 \
    --output "$folder/spectrograms.nc"
echo epoch,loss,accuracy
train untrained --batch-size 400 --num-epochs 1 --learning-rate 1e-12
features_after untrained 1
score 0 "" "$folder/1.nc"
train trained --batch-size 32 --num-epochs 40 --schedule cosine
features_after trained 13 26 65 130 260 520
for epoch in 1 2 5 10 20 40; do
    score "$epoch" "$(awk -F, -v epoch="$epoch" '$1 == epoch { print $3 }' "$folder/trained/logs/learning-curve.csv")" \
        "$folder/$((13 * epoch)).nc"
done
