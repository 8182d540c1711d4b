# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by dcase-2018.sh, dcase-2019.sh and freesound-kernel.sh, which are run as
#
#     samples/NAME.sh [--smoke] BASEDIR [OUTPUT]
#
# with BASEDIR as FSDKaggle2018 or FSDKaggle2019 is distributed, or as arrange_tagging_data.py arranges ESC-10. They make
# OUTPUT (by default NAME) in the working directory: spectrograms, models, predictions, scores and a submission. A step
# whose output exists is skipped, and a training that was stopped goes on, so a script can be started again at any time;
# the first step that fails stops it. --smoke takes a few recordings of each label, networks of a few channels and one
# epoch, to see that everything works. SEED in the environment is the seed of all trainings (0).
#
# Where BASEDIR has groups.csv (file,group), folds keep recordings of a group together.
#
# With $name set, read_arguments "$@" sets $smoke (empty or not), $basedir and $output, which it makes; and audeep is
# installed if it is not there.
set -eu
umask 022

project=$(cd "$(dirname "$0")/.." && pwd)

step() { printf '\n== %s\n' "$*"; }

read_arguments() {
    smoke=
    if [ "${1-}" = --smoke ]; then
        smoke=yes
        shift
    fi
    if [ $# -lt 1 ] || [ $# -gt 2 ] || [ ! -d "$1" ]; then
        printf '%s: BASEDIR, the directory of the data set, was expected; usage: %s [--smoke] BASEDIR [OUTPUT]\n' \
            "$name" "$0" >&2
        exit 1
    fi
    basedir=$1
    output=${2-$name}
    command -v audeep >/dev/null || . "$project/samples/install.sh"
    mkdir -p "$output"
}

seed=${SEED-0}
truth=test_post_competition.csv

# Spectrograms of a part of the data: spectra PART FILE [OPTION...], with a class of fsdkaggle.py, options of preprocess.
spectra() {
    part=$1 spectrograms=$2
    shift 2
    if [ ! -e "$spectrograms" ]; then
        step "$name: $part, spectrograms"
        audeep preprocess --basedir "$basedir" --parser "$project/samples/fsdkaggle.py:${smoke:+Few}$part" \
            --compression 1 "$@" --output "$spectrograms"
    fi
}

# The same in folds: spectra_in_folds FOLDS PART FILE [OPTION...].
spectra_in_folds() {
    num_folds=$1 part=$2 in_folds=$3
    shift 3
    if [ ! -e "$in_folds" ]; then
        spectra "$part" "$in_folds.without-folds.nc" "$@"
        step "$name: $part, $num_folds folds, drawn once"
        set --
        [ ! -e "$basedir/groups.csv" ] || set -- --groups "$basedir/groups.csv"
        audeep modify --input "$in_folds.without-folds.nc" --add-cv-setup "$num_folds" "$@" --output "$in_folds"
        rm "$in_folds.without-folds.nc"
    fi
}

# Train models of the network $network: train_models RUN [OPTION...].
train_models() {
    run=$1
    shift
    if [ ! -e "$run/done" ]; then
        step "$name: train $run"
        resume=
        for checkpoint in "$run"/logs/model-*.safetensors "$run"/fold-*/logs/model-*.safetensors; do
            [ ! -e "$checkpoint" ] || resume=--continue
        done
        # Adam adds epsilon where TensorFlow 1, Keras and Lasagne do, and gradients are not clipped
        audeep "$network" train --run-name "$run" --seed "$seed" --epsilon-hat --gradient-limit 0 "$@" $resume
        touch "$run/done"
    fi
}

# Scores of the labels by models of $network: predict FILE [OPTION...].
predict() {
    scores=$1
    shift
    if [ ! -e "$scores" ]; then
        step "$name: predict $scores"
        audeep "$network" predict "$@" --output "$scores"
    fi
}

# Run audeep with the options, and keep what it prints in OUTPUT/TEXT: keep TEXT OPTION...
keep() {
    text=$output/$1.txt
    shift
    audeep "$@" >"$text.partial"
    mv "$text.partial" "$text"
}

# Join predictions: fuse NAME METHOD PREDICTIONS..., with names of files in OUTPUT; and keep how well each does.
fuse() {
    fused=$1 method=$2 count=$(($# - 2))
    [ ! -e "$output/$fused-agreement.txt" ] || return 0
    shift 2
    for each; do
        set -- "$@" "$output/$each.nc"
    done
    shift $count
    step "$name: $method of $count predictions, $output/$fused.nc"
    keep "$fused-agreement" fuse predictions --method "$method" --input "$@" --output "$output/$fused.nc"
}

# Score predictions, where what is true is known: score NAME [OPTION...].
score() {
    [ -e "$basedir/$truth" ] && [ ! -e "$output/$1-score.txt" ] || return 0
    step "$name: score $output/$1.nc"
    scored=$1
    shift
    keep "$scored-score" score --input "$output/$scored.nc" "$@"
}

# Write predictions as the competition wants them: submit FORMAT NAME.
submit() {
    [ ! -e "$output/submission.csv" ] || return 0
    step "$name: $output/submission.csv"
    set -- --format "$1" --input "$output/$2.nc"
    [ -n "$smoke" ] || [ ! -e "$basedir/sample_submission.csv" ] ||
        set -- "$@" --expected "$basedir/sample_submission.csv"
    audeep export submission "$@" --output "$output/submission.csv"
}

# Print what was kept: report TEXT...
report() {
    for each; do
        [ -e "$output/$each.txt" ] || continue
        step "$name: $output/$each.txt"
        cat "$output/$each.txt"
    done
}
