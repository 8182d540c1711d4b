#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# TUT Acoustic Scenes 2017, development set: 4 official folds, both channels, their mean and their difference fused.
# Usage and output: experiment.sh, beside this file.
name=tut-as-2017
layout=dcase
spectra="--window-width 0.16 --window-overlap 0.08 --mel-spectrum 320"
model="--bidirectional-decoder --num-epochs 40 --batch-size 512"
scoring=--cross-validate
. "$(dirname "$0")/experiment.sh"

begin "$@"
for channels in left right mean diff; do
    data_set "$channels" --channels "$channels"
done
fuse_all
