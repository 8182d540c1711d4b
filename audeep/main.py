# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line application; its commands arrive by the entry-point group ``audeep.commands``."""

import argparse
import logging
import sys
import warnings
from typing import Any

from cliff.app import App
from cliff.commandmanager import CommandManager

from audeep import __version__

DESCRIPTION = "audeep: unsupervised representation learning from audio with recurrent autoencoders"
COPYRIGHT = """Copyright (C) 2026 the audeep authors
Licence GPL-3.0-or-later; there is NO WARRANTY, to the extent permitted by law.
After auDeep: (C) 2017-2019 Michael Freitag, Shahin Amiriparian, Maurice Gerczuk, Sergey Pugachevskiy,
Nicholas Cummins, Björn Schuller; Universität Passau and Universität Augsburg."""


class AudeepApp(App):
    """Runs one command, or the interactive shell if no command is given."""

    NAME = "audeep"
    LOG = logging.getLogger("audeep")

    def __init__(self) -> None:
        super().__init__(
            DESCRIPTION, f"{__version__}\n{COPYRIGHT}", CommandManager("audeep.commands"), deferred_help=True
        )
        self.last_status: int | None = None

    def run(self, argv: list[str]) -> int:
        """Give the exit status: of the command, or of the last one that the interactive shell ran."""
        status = super().run(argv)
        return status if self.last_status is None else self.last_status

    def interact(self) -> None:
        """Run commands one after the other until the input ends."""
        from cliff.interactive import InteractiveApp

        def shell(*arguments: Any) -> InteractiveApp:
            app = InteractiveApp(*arguments)
            if sys.stdin.isatty():
                app.prompt = "(audeep) "  # the base class puts its own in place of the one that cliff sets
            return app

        self.last_status = 0
        self.interactive_app_factory = shell
        super().interact()

    def run_subcommand(self, argv: list[str]) -> int:
        """Run one command and give its exit status."""
        self.last_status = super().run_subcommand(argv)
        return self.last_status

    def build_option_parser(
        self, description: str | None, version: str | None, argparse_kwargs: dict[str, Any] | None = None
    ) -> argparse.ArgumentParser:
        """Options common to all commands, which may stand before or behind the name of the command."""
        kwargs = {"allow_abbrev": False, "formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().build_option_parser(description, version, {**kwargs, **(argparse_kwargs or {})})

    def configure_logging(self) -> None:
        """Progress is shown unless the command is quiet; other libraries speak up from warnings on."""
        super().configure_logging()
        logging.captureWarnings(True)
        quiet = self.options.verbose_level == 0
        logging.getLogger().setLevel(logging.WARNING)
        logging.getLogger("audeep").setLevel(logging.DEBUG)
        logging.getLogger("audeep.progress").setLevel(logging.WARNING if quiet else logging.INFO)
        if not self.options.debug:
            warnings.simplefilter("ignore")


def main(argv: list[str] | None = None) -> int:
    """Run the application with `argv`, by default those of the process; gives the exit status."""
    return AudeepApp().run(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())
