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
        \( -name '*.[ch]' -o -name '*.toml' -o -name setup.py -o -name constraints.txt \)
)" ]; then
    quiet=--quiet
    if ! python -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)'; then
        quiet= # pip shows what it downloads, and how far it is
        echo "== Install audeep into $project/.venv: several GB are downloaded, most of it PyTorch for graphics cards;"
        echo "   docs/how-to/install.md has a smaller way"
    fi
    python -m pip install $quiet --disable-pip-version-check --constraint "$project/constraints.txt" \
        --editable "$project${extras:-}"
    touch "$stamp"
fi
