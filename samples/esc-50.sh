#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# ESC-50: 5 official folds, four clipping thresholds fused. Usage and output: experiment.sh, beside this file.
name=esc-50
layout=esc
spectra="--window-width 0.08 --window-overlap 0.04 --mel-spectrum 128 --fixed-length 5 --center-fixed"
model="--bidirectional-encoder --num-epochs 64 --batch-size 64"
scoring=--cross-validate
. "$(dirname "$0")/experiment.sh"

begin "$@"
for decibels in 30 45 60 75; do
    data_set "below-$decibels" --clip-below "-$decibels"
done
fuse_all
