#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs audeep into .venv and runs the whole test suite; arguments go to pytest (-m "not slow", say).
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
extras=[test,docs]
. "$project/samples/install.sh"
cd "$project"
exec python -m pytest --cov --cov-report=term:skip-covered "$@"
