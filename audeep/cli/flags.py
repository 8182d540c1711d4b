# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of the library in terms of the command line: they name parameters, users know flags."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from audeep.errors import AudeepError


@contextmanager
def speaking_flags(flags: Mapping[str, str]) -> Iterator[None]:
    """Let errors, and what is logged, name the flags of options where the library names parameters."""

    def translate(record: logging.LogRecord) -> bool:
        record.msg, record.args = as_flags(record.getMessage(), flags), ()
        return True

    handlers = list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(translate)
    try:
        yield
    except (AudeepError, KeyboardInterrupt) as error:
        if error.args:
            error.args = (as_flags(str(error), flags),)
        raise
    finally:
        for handler in handlers:
            handler.removeFilter(translate)


def as_flags(text: str, flags: Mapping[str, str]) -> str:
    """A message of the library in terms of the command line: "num_units=0" becomes "--num-units 0".

    Args:
        flags: of the options, by their names in Python.
    """
    if not flags:
        return text
    names = "|".join(sorted(map(re.escape, flags), key=len, reverse=True))
    pattern = rf"(?<![\w./-])({names})=(True\b)?(?=\S|(?<=True))"
    return re.sub(pattern, lambda found: flags[found[1]] + ("" if found[2] else " "), text)
