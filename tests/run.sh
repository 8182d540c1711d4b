#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs audeep into .venv where that has changed, checks its types and runs tests: as many at a time as there are
# cores, one more where some wait, and five at most. Arguments go to pytest (-n 0 to run one test after the other, say).
# A lane may come first:
#   tests/run.sh          everything; some 12 minutes on two cores
#   tests/run.sh coverage everything, and which lines of the code it ran; that takes longer
#   tests/run.sh fast     what a change is checked by while it is made: the quick tests of all parts
#   tests/run.sh faults   damaged and hostile files, full disks, killed processes
#   tests/run.sh wheel    the fast lane on a wheel built without a compiler, in an environment of its own
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
extras=[test,docs]
. "$project/samples/install.sh"
cd "$project"
OMP_NUM_THREADS=${OMP_NUM_THREADS-1}
AUDEEP_SHARED=${AUDEEP_SHARED-$project/../shared}
export OMP_NUM_THREADS AUDEEP_SHARED
unset PYTHONDONTWRITEBYTECODE # with it, each of the many processes that are started compiles all modules
lane=${1-}
workers=$(($(getconf _NPROCESSORS_ONLN) + 1))

fast="--ignore=tests/faults --ignore=tests/test_docs.py"
case $lane in
fast | wheel) shift && set -- -m "not slow" $fast "$@" && workers=$((workers - 1)) ;;
faults) shift && set -- tests/faults "$@" ;;
coverage) shift && set -- --cov --cov-report=term:skip-covered "$@" ;;
esac
if [ "$lane" = wheel ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    git checkout-index --all --prefix="$folder/source/" # without what was compiled here
    cd "$folder/source"
    CC=false python -m pip wheel --quiet --no-deps --wheel-dir "$folder" .
    rm -r audeep build ./*.egg-info
    python -m venv "$folder/venv"
    PATH=$folder/venv/bin:$PATH
    python -m pip install --quiet --constraint constraints.txt "$(ls "$folder"/*.whl)[test]"
else
    types=$(mktemp)
    python -m mypy >"$types" & # tests that wait leave it time
    checking=$!
fi
status=0
python -m pytest --numprocesses $workers --maxprocesses 5 --dist worksteal "$@" || status=$?
if [ -n "${types-}" ]; then
    wait "$checking" || status=1
    cat "$types"
    rm "$types"
fi
exit $status
