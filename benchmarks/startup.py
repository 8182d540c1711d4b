# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting audeep against importing the library that its command line is made of.

Both have their bytecode, as after an installation by pip; the first run of each, which does not count, writes it.
"""

import os
import subprocess
import sys
import tempfile

from timing import alternate, report

COMMANDS = {
    "version": ["-m", "audeep", "--version"],
    "help": ["-m", "audeep", "--help"],
    "validate_help": ["-m", "audeep", "validate", "--help"],
    "import_cliff": ["-c", "import cliff.app"],
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def runner(arguments: list[str]) -> object:
            command = [sys.executable, *arguments]
            return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)

        seconds = alternate(11, **{name: runner(arguments) for name, arguments in COMMANDS.items()})
    base = seconds.pop("import_cliff")
    worst = max(seconds, key=seconds.get)
    report(f"times the time of importing cliff.app, {worst}", seconds[worst] / base, "at most 1.5")


if __name__ == "__main__":
    main()
