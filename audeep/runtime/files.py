# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands at a path, and output files that appear whole or not at all."""

import glob
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from audeep.errors import OptionError, OutputError


def found_at(path: Path, wanted: str = "file") -> str:
    """What stands at `path` where a `wanted` ("file", "directory") was expected, for a message."""
    if path.is_dir():
        return "is a directory"
    if path.is_file():
        return "is a file"
    return "is a device or a pipe" if path.exists() else f"no such {wanted}"


def check_text(name: str) -> None:
    """Check that the name of a file can be written into other files.

    Raises:
        OptionError: it is not text.
    """
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise OptionError(f"{name}: is not text in UTF-8; choose another name") from error


def check_target(target: Path) -> None:
    """Check that `target` may become a file.

    Raises:
        OutputError: it is a directory, a device or a pipe.
    """
    if target.exists() and not target.is_file():
        remedy = "name a file in it" if target.is_dir() else "choose another name"
        raise OutputError(f"{target}: {found_at(target)}, a file name was expected; {remedy}")


def not_written(path: Path | str, error: Exception) -> OutputError:
    """What to raise where writing `path` failed with `error`."""
    reason = getattr(error, "strerror", None) or str(error)
    return OutputError(f"{path}: cannot be written: {reason}; check the space and the permissions, or write elsewhere")


def not_read(path: Path | str, error: OSError) -> str:
    """What to say where reading `path` failed with `error`, which says nothing of its content."""
    return f"{path}: cannot be read: {error.strerror or error}; check that it is there, and the permissions"


@contextmanager
def write_failures(path: Path | str, *kinds: type[Exception]) -> Iterator[None]:
    """Turn an OSError, or what else a library raises where it cannot write `path`, into an OutputError."""
    caught: tuple[type[Exception], ...] = (OSError, *kinds)
    try:
        yield
    except caught as error:
        raise not_written(path, error) from error


@contextmanager
def created_directories(directory: Path) -> Iterator[None]:
    """Create `directory` and its parents; those that were missing and are empty at the end are removed."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        with suppress(OSError):  # one that has something in it stays
            for path in missing:
                path.rmdir()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from locking an existing file or directory; the lock ends with this process in any case.

    Where the system has no such locks, nothing is done.

    Raises:
        OutputError: another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(
                f"{path}: another process is writing there; wait for it to end, or choose another place"
            ) from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)


def partial_beside(target: Path) -> Path:
    """A new name for what is to become `target`, which `remove_partials` knows."""
    return target.with_name(f".{target.stem}.{os.urandom(4).hex()}.partial{target.suffix}")


@contextmanager
def replacing(target: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `target`, and move it to `target` when the block ends well.

    Missing parent directories are created. When the block raises, they and the temporary file are removed, and
    `target` is as it was. The permissions are those of any new file (umask). The temporary name keeps the suffix of
    `target`, because some writers choose a format by it.

    Raises:
        OutputError: `target` is a directory, a device or a pipe, or the file system refuses the file.
    """
    target = Path(target)
    check_target(target)
    partial = partial_beside(target)
    try:
        with created_directories(target.parent), _removed(partial):
            mode = _mode_of_new(partial)
            yield partial
            if partial.stat().st_mode != mode:  # of a writer that makes private files
                with suppress(OSError):
                    partial.chmod(stat.S_IMODE(mode))
            _sync(partial)
            os.replace(partial, target)
            with suppress(OSError):  # a file system that does not sync directories
                _sync(target.parent)
    except OSError as error:
        if error.filename is not None and Path(error.filename) not in (partial, target, *target.parents):
            raise  # about another file than the output
        raise not_written(target, error) from error


def _mode_of_new(path: Path) -> int:
    """The mode that a file has which is created at `path`, where none is."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        return os.fstat(descriptor).st_mode
    finally:
        os.close(descriptor)
        path.unlink()


@contextmanager
def _removed(path: Path) -> Iterator[None]:
    """Remove what is left of a file at the end."""
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()


def _sync(path: Path) -> None:
    """Bring a file or the names in a directory to the disk."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)  # Windows syncs no file that is but read
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_partials(target: Path) -> None:
    """Remove temporary files and directories of processes that were killed while they wrote `target`.

    None may be writing it. The name `*` stands for any.
    """
    stem, suffix = ("*", "*") if target.name == "*" else map(glob.escape, (target.stem, target.suffix))
    for partial in target.parent.glob(f".{stem}.????????.partial{suffix}"):
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            with suppress(OSError):
                partial.unlink()
