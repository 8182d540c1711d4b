# SPDX-License-Identifier: GPL-3.0-or-later
"""Output files that appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from audeep.errors import OutputError


def check_target(target: Path) -> None:
    """Check that `target` may become a file.

    Raises:
        OutputError: it is a directory, a device or a pipe.
    """
    if target.is_dir():
        raise OutputError(f"{target}: is a directory, a file name was expected; name a file in it")
    if target.exists() and not target.is_file():
        raise OutputError(f"{target}: is a device or a pipe, a file name was expected; choose another name")


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep other processes from locking the existing `directory`; the lock ends with this process, however it ends.

    Where the system has no such locks, nothing is done.

    Raises:
        OutputError: another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # no POSIX system
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(
                f"{directory}: another process is writing there; wait for it to end, or choose another directory"
            ) from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)


@contextmanager
def replacing(target: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `target`, and move it to `target` when the block ends well.

    Missing parent directories are created. When the block raises, they and the temporary file are removed, and
    `target` is as it was. The temporary name keeps the suffix of `target`, because some writers choose a format by it.

    Raises:
        OutputError: `target` is a directory, a device or a pipe, or the file system refuses the file.
    """
    target = Path(target)
    check_target(target)
    partial = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.partial{target.suffix}")
    missing = [parent for parent in target.parents if not parent.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        with open(partial, "rb") as written:
            os.fsync(written.fileno())
        os.replace(partial, target)
        missing.clear()
    except OSError as error:
        if error.filename is not None and Path(error.filename) not in (partial, target, *target.parents):
            raise  # about another file than the output
        reason = error.strerror or str(error)
        raise OutputError(f"{target}: cannot be written: {reason}; choose another place or free this one") from error
    finally:
        with suppress(OSError):
            partial.unlink()
        with suppress(OSError):  # a directory that has something in it stays
            for parent in missing:
                parent.rmdir()
