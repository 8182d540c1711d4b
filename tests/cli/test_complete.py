# SPDX-License-Identifier: GPL-3.0-or-later
"""complete: what bash and zsh complete by the script that is printed."""

import shutil
import subprocess
from pathlib import Path

import pexpect
import pytest

TYPED = """
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"
set -u
_audeep
printf '%s\\n' "${COMPREPLY[@]-}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    from io import StringIO

    from audeep.cli.app import AudeepApp
    from tests.conftest import reset_logging

    printed = StringIO()
    assert AudeepApp(printed).run(["-q", "complete"]) == 0
    reset_logging()
    path = tmp_path_factory.mktemp("complete") / "audeep.bash"
    path.write_text(printed.getvalue())
    return path


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("pre", {"preprocess"}),
        ("svm ", {"evaluate", "fit", "predict"}),
        ("visualize p", {"pca"}),
        ("t-rae train --cel", {"--cell"}),
        ("t-rae train --input a.nc --cell ", {"GRU", "LSTM"}),
        ("t-rae train --cell L", {"LSTM"}),
        ("preprocess --log-f", {"--log-file"}),
        ("--log", {"--log-file"}),
        ("t-rae train --input ", {""}),  # names of files, by bash itself
        ("nothing ", {""}),
    ],
)
def test_bash_completes(script: Path, typed: str, expected: set[str]) -> None:
    words = ["audeep", *typed.split(" ")]
    command = ["bash", "-c", TYPED, "bash", str(script), *words]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0 and found.stderr == ""
    assert set(found.stdout.split("\n")[:-1]) == expected


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
def test_zsh_completes(script: Path, tmp_path: Path) -> None:
    (tmp_path / ".zshrc").write_text(f"PS1='%% '\nunsetopt zle_bracketed_paste\n. {script}\n")
    (tmp_path / "recording.wav").touch()
    (tmp_path / "spectrograms").mkdir()
    env = {"ZDOTDIR": str(tmp_path), "HOME": str(tmp_path), "TERM": "dumb", "PATH": "/usr/bin:/bin"}
    shell = pexpect.spawn("zsh", ["-i"], env=env, cwd=str(tmp_path), encoding="utf-8", dimensions=(50, 160), timeout=60)
    for typed, completed in (
        ("audeep prep", "audeep preprocess "),
        ("audeep t-rae train --num-u", "audeep t-rae train --num-units "),
        ("audeep t-rae train --cell L", "audeep t-rae train --cell LSTM "),
        ("audeep preprocess --basedir spe", "audeep preprocess --basedir spectrograms/"),
        ("audeep t-rae train --input rec", "audeep t-rae train --input recording.wav "),
    ):
        assert shell.expect_exact(["% ", pexpect.TIMEOUT]) == 0, shell.before
        shell.send(f"{typed}\t")
        assert shell.expect_exact([completed, pexpect.TIMEOUT]) == 0, shell.before
        shell.send("\x15\n")  # forget the line; Ctrl-C would do nothing where a background job runs the tests
    shell.close(force=True)
