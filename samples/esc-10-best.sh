#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# ESC-10 by the setting with masked frames (docs/explanation/feature-quality.md): four views of fine spectrograms, each with a
# model of its own that reconstructs masked frames, their pooled features fused. Usage and output: experiment.sh, beside this file.
name=esc-10-best
layout=esc
spectra="--window-width 0.02 --window-overlap 0.01 --mel-spectrum 64 --fixed-length 5 --clip-below -60"
model="--bidirectional-encoder --decoder frame --masked-frames 0.4 --mask-span 12 --crop-frames 96 --batch-size 32
    --schedule cosine --num-epochs 20 --seed ${SEED-0}"
classifier="svm evaluate --complexity 0.003"
scoring=--cross-validate
. "$(dirname "$0")/experiment.sh"

begin "$@"
data_set plain
for reference in frame previous neighbours; do
    data_set "$reference" --relative-to "$reference"
done
fuse_all
