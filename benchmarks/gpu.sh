#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Is a GPU right, and how fast: benchmarks/gpu.sh. Needs this checkout, its dependencies and CUDA; under 8 minutes.
# benchmarks/gpu.sh --device cpu does the part about being right on the CPU, to try the program itself.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PYTHONPATH="$here/..${PYTHONPATH:+:$PYTHONPATH}" exec "${PYTHON:-python3}" "$here/gpu.py" "$@"
