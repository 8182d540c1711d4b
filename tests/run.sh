#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs audeep into .venv and runs the whole test suite on up to four cores; arguments go to pytest (-m "not slow",
# say, or -n 0 to run one test after the other).
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
extras=[test,docs]
. "$project/samples/install.sh"
cd "$project"
OMP_NUM_THREADS=${OMP_NUM_THREADS-1}
export OMP_NUM_THREADS
exec python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal --cov --cov-report=term:skip-covered "$@"
