# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by scripts with $project set: makes $project/.venv if need be, installs audeep with the tested versions of
# what it depends on, and puts it first on the path. $extras may name optional dependencies: extras=[test].
[ -x "$project/.venv/bin/python" ] || python3 -m venv "$project/.venv"
PATH=$project/.venv/bin:$PATH
export PATH
python -m pip install --quiet --disable-pip-version-check --constraint "$project/constraints.txt" \
    --editable "$project${extras:-}"
