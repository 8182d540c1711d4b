#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# GTZAN: chunks of 2 s that vote on a genre, 5 random folds with even genres, four clipping thresholds and none fused.
# Usage and output: experiment.sh, beside this file.
name=gtzan
layout=gtzan
spectra="--window-width 0.08 --window-overlap 0.04 --mel-spectrum 320 --chunk-length 2 --chunk-count 14"
model="--bidirectional-encoder --num-epochs 40 --batch-size 512"
folds=5
scoring="--cross-validate --majority-vote"
. "$(dirname "$0")/experiment.sh"

begin "$@"
for decibels in 30 45 60 75; do
    data_set "below-$decibels" --clip-below "-$decibels"
done
data_set unclipped
fuse_all
