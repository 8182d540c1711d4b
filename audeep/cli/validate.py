# SPDX-License-Identifier: GPL-3.0-or-later
"""validate: whether a data set file is sound."""

import argparse

from audeep.cli.options import AudeepCommand, add_input
from audeep.cli.render.tables import table
from audeep.errors import DataError, escaped


class Validate(AudeepCommand):
    """Check the integrity constraints of a data set file; the exit status is 1 if one is violated."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file to check")
        parser.add_argument(
            "--detailed", action="store_true", help="also name the files or instances that are at fault"
        )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.data.integrity import validate

        constraints = validate(load(parsed_args.input))
        rows = [(constraint.number, constraint.text, len(constraint.violations)) for constraint in constraints]
        self.write(table("violations of integrity constraints", rows, align="><>"))
        if parsed_args.detailed:
            for constraint in constraints:
                for violation in constraint.violations:
                    self.write(f"{constraint.number}: {escaped(violation)}")
        violated = sum(1 for constraint in constraints if constraint.violations)
        if violated:
            hint = "" if parsed_args.detailed else "; see which with --detailed"
            raise DataError(
                f"{parsed_args.input}: violates {violated} of {len(constraints)} integrity constraints{hint}"
            )
