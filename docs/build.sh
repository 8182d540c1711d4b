#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the user guide: docs/_build/html/index.html. Warnings are errors.
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
extras=[docs]
. "$project/samples/install.sh"
exec python -m sphinx -W --keep-going -q -b html "$project/docs" "${1-$project/docs/_build/html}"
