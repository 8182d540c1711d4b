# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by scripts that are run as NAME.sh [--smoke] BASEDIR [OUTPUT], with $name set: read_arguments "$@" sets $smoke
# (empty or not), $basedir and $output (by default $name), which it makes; and audeep is installed if it is not there.
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
