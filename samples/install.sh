# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by scripts with $project set: makes $project/.venv if need be, installs audeep with the tested versions of
# what it depends on, and puts it first on the path. $extras may name optional dependencies: extras=[test]. What was
# installed so is installed again when what it was made of has changed.
[ -x "$project/.venv/bin/python" ] || python3 -m venv "$project/.venv"
PATH=$project/.venv/bin:$PATH
export PATH
stamp=$project/.venv/installed${extras:-}
if [ ! -e "$stamp" ] || [ -n "$(
    find "$project/audeep" "$project/pyproject.toml" "$project/setup.py" "$project/constraints.txt" -newer "$stamp" \
        \( -name '*.c' -o -name '*.toml' -o -name setup.py -o -name constraints.txt \)
)" ]; then
    python -m pip install --quiet --disable-pip-version-check --constraint "$project/constraints.txt" \
        --editable "$project${extras:-}"
    touch "$stamp"
fi
