# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting audeep against importing the library that its command line is made of."""

import subprocess
import sys

from timing import alternate, report

COMMANDS = {
    "version": ["-m", "audeep", "--version"],
    "help": ["-m", "audeep", "--help"],
    "validate_help": ["-m", "audeep", "validate", "--help"],
    "import_cliff": ["-c", "import cliff.app"],
}


def main() -> None:
    def runner(arguments: list[str]) -> object:
        return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)

    seconds = alternate(11, **{name: runner(arguments) for name, arguments in COMMANDS.items()})
    base = seconds.pop("import_cliff")
    worst = max(seconds, key=seconds.get)
    report(f"times the time of importing cliff.app, {worst}", seconds[worst] / base, "at most 1.5")


if __name__ == "__main__":
    main()
