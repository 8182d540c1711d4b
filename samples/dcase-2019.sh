#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# DCASE 2019, task 2, as its baseline did it: a MobileNet on windows of a second, trained on recordings with noisy
# labels, and from there on curated ones (docs/explanation/dcase-2019.md). Usage and output: tagging.sh, beside this file.
name=dcase-2019
network=mobilenet-v1
. "$(dirname "$0")/tagging.sh"

read_arguments "$@"
folds=10 hop=50 width=1 noisy_epochs=10 curated_epochs=100
if [ -n "$smoke" ]; then
    folds=2 hop=200 width=0.05 noisy_epochs=1 curated_epochs=1
fi
model="--width $width --pooling max --window-frames 100 --window-hop $hop --fill pad"

spectra Noisy "$output/noisy.nc" --front-end log-mel
spectra_in_folds $folds Curated "$output/curated.nc" --front-end log-mel
spectra Test2019 "$output/test.nc" --front-end log-mel
train_models "$output/on-noisy" --input "$output/noisy.nc" $model --num-epochs $noisy_epochs --learning-rate 1e-4 \
    --label-smoothing 0.3 --keep-prob 0.8 --checkpoints-to-keep 1
train_models "$output/on-curated" --input "$output/curated.nc" --folds 1 --keep-best $model \
    --warm-start "$output/on-noisy/logs" --num-epochs $curated_epochs --learning-rate 3e-3 --schedule staircase \
    --decay-rate 0.94 --decay-epochs 2.5 --label-smoothing 0.1 --keep-prob 0.6
predict "$output/test-on-noisy.nc" --model-dir "$output/on-noisy/logs" --input "$output/test.nc"
predict "$output/test-on-curated.nc" --step best --model-dir "$output/on-curated" --input "$output/test.nc"
predict "$output/held-out.nc" --step best --model-dir "$output/on-curated" --input "$output/curated.nc" --out-of-fold
submit fsdkaggle-2019 test-on-curated
score held-out
score test-on-noisy
score test-on-curated --by usage
report held-out-score test-on-noisy-score test-on-curated-score
