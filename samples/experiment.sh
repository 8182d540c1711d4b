# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the experiments of the auDeep paper (esc-10.sh, esc-50.sh, gtzan.sh, tut-as-2017.sh), which are run as
#
#     samples/NAME.sh [--smoke] BASEDIR [OUTPUT]
#
# and make OUTPUT (by default the name of the experiment) in the working directory: spectrograms, models, features and
# scores. A step whose output exists is skipped, so a script that was stopped goes on where it was; the first step that
# fails stops it. --smoke runs everything on a tenth of the recordings with one epoch of training, to see that it works.
#
# The script sets $name and $layout (--parser), $spectra, $model and $scoring (options of preprocess, t-rae train and
# mlp evaluate), $classifier if it is to be another than the MLP of the paper, with its options, and $folds if the data
# set has none, to draw as many. Then it calls begin "$@", data_set for each set of spectrograms, and fuse_all.
. "$(dirname "$0")/arguments.sh"

# Read the command line.
begin() {
    read_arguments "$@"
    if [ -z "${classifier-}" ]; then
        classifier="mlp evaluate --num-layers 2 --num-units 150 --learning-rate 0.001 --keep-prob 0.6 --repeat 5"
        epochs=400
        [ -z "$smoke" ] || epochs=1
        classifier="$classifier --num-epochs $epochs"
    fi
    if [ -n "$smoke" ]; then
        layout="$project/samples/tenth.py:Tenth_$layout"
        model="$model --num-epochs 1"
    fi
    sets=
}

# Make features and their score for one set of spectrograms: data_set SET [OPTION...], with options of preprocess.
data_set() {
    set_name=$1
    shift
    spectrograms=$output/$set_name-spectrograms.nc
    run=$output/$set_name-t-rae
    features=$output/$set_name.nc
    if [ ! -e "$features" ]; then
        if [ ! -e "$spectrograms" ]; then
            step "$name, $set_name: extract spectrograms"
            audeep preprocess --basedir "$basedir" --parser "$layout" $spectra "$@" --output "$spectrograms"
        fi
        step "$name, $set_name: train the autoencoder"
        resume=
        for checkpoint in "$run"/logs/model-*.safetensors; do
            [ ! -e "$checkpoint" ] || resume=--continue
        done
        audeep t-rae train --input "$spectrograms" --run-name "$run" --num-layers 2 --num-units 256 \
            --learning-rate 0.001 --keep-prob 0.8 $model --checkpoints-to-keep 1 $resume
        step "$name, $set_name: generate features"
        generated=$features
        [ -z "${folds-}" ] || generated=$output/$set_name-without-folds.nc
        audeep t-rae generate --model-dir "$run/logs" --input "$spectrograms" --output "$generated"
        if [ -n "${folds-}" ]; then
            step "$name, $set_name: draw $folds folds, the same for each set"
            audeep modify --input "$generated" --add-cv-setup "$folds" --output "$features"
            rm "$generated"
        fi
    fi
    score "$set_name" "$features"
    sets="$sets $set_name"
}

# Join the features of all sets, and print all scores.
fuse_all() {
    if [ ! -e "$output/fused.nc" ]; then
        step "$name: fuse the features of$sets"
        set --
        for set_name in $sets; do
            set -- "$@" "$output/$set_name.nc"
        done
        audeep fuse --input "$@" --output "$output/fused.nc"
    fi
    score fused "$output/fused.nc"
    step "$name: accuracy and unweighted average recall"
    for set_name in $sets fused; do
        awk -F, -v name="$set_name" '{ printf "%-16s %6.2f %%  %6.2f %%\n", name, 100 * $1, 100 * $2 }' \
            "$output/$set_name.score"
    done
}

# Evaluate features: score SET FILE.
score() {
    if [ ! -e "$output/$1.score" ]; then
        step "$name, $1: evaluate"
        audeep $classifier --quiet --input "$2" $scoring >"$output/$1.score.partial"
        mv "$output/$1.score.partial" "$output/$1.score"
    fi
}
