# SPDX-License-Identifier: GPL-3.0-or-later
"""netCDF 4 files as they are opened, read, written and closed: by one thread at a time, each file once.

The HDF5 library crashes when two threads are in it, or when a file is opened again after one of two handles of it was
closed. So `LIBRARY` lets one thread in, whatever is done, and knows which files are open.
"""

import errno
import gc
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Event, RLock, Thread
from types import TracebackType
from typing import Any, Literal, TypeVar

import xarray as xr
from xarray.backends.locks import HDF5_LOCK

from audeep.errors import DataError
from audeep.runtime.files import not_read

LOCKING = "HDF5_USE_FILE_LOCKING"
OPENING_SECONDS = 60  # there are damaged files on which the HDF5 library never returns
SECONDS_BETWEEN_LOOKS = 0.5  # of a thread that waits, for one that never returns

Made = TypeVar("Made")

_XARRAY: Any = HDF5_LOCK  # not reentrant

_told = os.environ.get(LOCKING)
_WANTS_LOCKS = _told is None or _told.upper() not in ("FALSE", "0")
_HDF5_LOCKS = _WANTS_LOCKS and (_told is not None or "netCDF4" in sys.modules)
if _told is None:  # HDF5 refuses file systems that have no locks; `_File` takes them instead
    os.environ[LOCKING] = "FALSE"
import netCDF4 as netCDF4  # noqa: E402  (others have it from here)

if _told is None:
    del os.environ[LOCKING]


class _Library:
    """Lets one thread at a time into the HDF5 library, as a context manager that may be nested.

    Meanwhile no garbage is collected, among which there might be a file of somebody else, and xarray is kept out.
    """

    def __init__(self) -> None:
        self.never_returned: Path | None = None
        self._lock = RLock()
        self._depth = 0
        self._is_collecting = False
        self._files: dict[tuple[int, int], _File] = {}  # by device and inode
        self._given_back: deque[_File] = deque()

    def __enter__(self) -> None:
        """Wait for other threads.

        Raises:
            DataError: one of them does not return from a damaged file.
        """
        while not self._lock.acquire(timeout=SECONDS_BETWEEN_LOOKS):
            if self.never_returned is not None:
                raise DataError(
                    f"{self.never_returned}: the HDF5 library does not return from this damaged file, and can read no"
                    " other; start a new process"
                )
        if not self._depth:
            _XARRAY.acquire()
            self._begin()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        """Let others in."""
        self._depth -= 1
        if not self._depth:
            self._end()
            _XARRAY.release()
        self._lock.release()

    def opened(self, path: Path) -> "_File":
        """The file at `path`, opened unless it is open already; for a thread that has been let in, to be given back.

        Where it was written to in place since, those who have it open can no longer read from it.

        Raises:
            OSError: it cannot be opened.
            DataError: another process is writing it.
        """
        found = path.stat()
        file = self._files.get((found.st_dev, found.st_ino))
        if file is not None and not file.is_unchanged():
            file.close()
            file = None
        if file is None:
            file = _File(path)
            while not file.is_at(path):  # another was put there meanwhile
                file.close()
                file = _File(path)
            self._files[file.key] = file
        file.num_users += 1
        return file

    def give_back(self, file: "_File") -> None:
        """Close a file that nobody else uses, now or before anything else is done.

        Never waits: garbage may be collected anywhere.
        """
        self._given_back.append(file)
        if not self._lock.acquire(blocking=False):
            return
        try:
            if not self._depth and _XARRAY.acquire(blocking=False):
                self._begin()
                self._end()
                _XARRAY.release()
        finally:
            self._lock.release()

    def _begin(self) -> None:
        self._is_collecting = gc.isenabled()
        gc.disable()
        while self._given_back:
            file = self._given_back.popleft()
            file.num_users -= 1
            if not file.num_users:
                file.close()
                if self._files.get(file.key) is file:
                    del self._files[file.key]

    def _end(self) -> None:
        if self._is_collecting:
            gc.enable()


LIBRARY = _Library()


class _File:
    """A file that is open for reading, and what it was like then."""

    def __init__(self, path: Path) -> None:
        self.num_users = 0
        self.descriptor = os.open(path, os.O_RDONLY)
        try:
            has_locks = _locked_for_reading(path, self.descriptor)
            self.key, self.content = self._key_and_content()
            try:
                self.file = _opened(path, "r")
            except OSError as error:
                if has_locks or not _HDF5_LOCKS:
                    raise
                remedy = f"import audeep before netCDF4, or set {LOCKING}=FALSE"
                raise DataError(f"{path}: lies on a file system without locks; {remedy}") from error
        except BaseException:
            os.close(self.descriptor)
            raise

    def close(self) -> None:
        """Close it, unless that is done; for a thread that is in the library."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
            with suppress(RuntimeError, OSError):
                self.file.close()

    def is_at(self, path: Path) -> bool:
        """Whether `path` leads to this file."""
        found = path.stat()
        return self.key == (found.st_dev, found.st_ino)

    def is_unchanged(self) -> bool:
        """Whether nobody wrote to the file since it was opened."""
        return self.descriptor >= 0 and self._key_and_content()[1] == self.content

    def _key_and_content(self) -> tuple[tuple[int, int], tuple[int, int]]:
        found = os.fstat(self.descriptor)
        return (found.st_dev, found.st_ino), (found.st_size, found.st_mtime_ns)


class OpenFile(xr.backends.FileManager):  # type: ignore[misc,type-arg,unused-ignore]
    """A file from which xarray reads, open as long as somebody refers to this; for a thread that is in the library.

    It is also the lock for reading: it lets one thread in, and refuses what was written in place since the file was
    opened.

    Raises:
        OSError: the file cannot be opened.
        DataError: another process is writing it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opened = LIBRARY.opened(path)
        self.file = self.opened.file

    def __del__(self) -> None:
        """Close the file."""
        if hasattr(self, "opened"):
            LIBRARY.give_back(self.opened)

    def acquire(self, needs_lock: bool = True) -> netCDF4.Dataset:
        """The file, for xarray."""
        return self.file

    def acquire_context(self, needs_lock: bool = True) -> AbstractContextManager[netCDF4.Dataset]:
        """The file, for xarray."""
        return nullcontext(self.file)

    def close(self, needs_lock: bool = True) -> None:
        """Nothing: it is closed when nobody refers to it."""

    def __enter__(self) -> None:
        """Wait for other threads, and check that the file is as it was."""
        LIBRARY.__enter__()
        try:
            self._check()
        except BaseException:
            LIBRARY.__exit__()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Check that the file is as it was, and let others in."""
        try:
            self._check()
        finally:
            LIBRARY.__exit__()

    def _check(self) -> None:
        if not self.opened.is_unchanged():
            raise DataError(f"{self.path}: was written to after it was loaded; load it again")


def in_time(work: Callable[[Path], Made], path: Path) -> Made:
    """What `work` returns from the `LIBRARY`, in a thread that is left behind if it never does.

    Raises:
        DataError: that takes too long.
        Exception: whatever `work` raises.
    """
    future: futures.Future[Made] = futures.Future()
    is_in = Event()

    def run() -> None:
        try:
            with LIBRARY:
                is_in.set()
                result = work(path)
            future.set_result(result)
        except BaseException as error:
            future.set_exception(error)
        finally:
            is_in.set()
            if LIBRARY.never_returned is path:  # but it did
                LIBRARY.never_returned = None

    thread = Thread(target=run, name="audeep-open", daemon=True)
    thread.start()
    is_in.wait()
    done, _ = futures.wait([future], OPENING_SECONDS)
    if not done:
        LIBRARY.never_returned = path
        gc.enable()
        raise DataError(
            f"{path}: could not be opened in {OPENING_SECONDS} s; it is damaged, or its disk does not answer"
        )
    thread.join(OPENING_SECONDS)  # garbage collected in it would close files while others use netCDF4 without our lock
    return future.result()


def unreadable(path: Path | str, error: Exception) -> DataError:
    """What to raise where reading the file at `path` failed with `error`, of the system or the library."""
    # EINVAL is what netCDF says of what is not valid in a file
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL) and error.errno > 0:
        return DataError(not_read(path, error))
    reason = " ".join(str(getattr(error, "strerror", None) or error).split())[:200]
    return DataError(f"{path}: not a readable netCDF 4 file ({reason}); write it again")


def _locked_for_reading(path: Path, descriptor: int) -> bool:
    """Keep other processes from writing a file, where it has locks; gives whether it has."""
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return True
    if not _WANTS_LOCKS:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DataError(f"{path}: another process is writing it; wait for it to end, or copy the file") from None
    except OSError:
        return False
    return True


class _OddlyNamed(netCDF4.Dataset):
    """A file whose path is not text in the encoding of the system: its bytes are given to the library as Latin-1."""

    def filepath(self, encoding: str | None = None) -> str:
        """The path, with other characters in place of those that it really has."""
        return super().filepath("latin-1")


def _opened(path: Path, mode: Literal["r", "w"]) -> netCDF4.Dataset:
    """A file of the library; what is new is netCDF 4."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        try:
            return _OddlyNamed(os.fsencode(path).decode("latin-1"), mode, format="NETCDF4", encoding="latin-1")
        except UnicodeDecodeError as error:  # as it made a message of another one
            raise RuntimeError("NetCDF: HDF error") from error
    return netCDF4.Dataset(path, mode, format="NETCDF4")


@contextmanager
def created(path: Path) -> Iterator[netCDF4.Dataset]:
    """A new file, which is closed at the end; a full disk often shows only then.

    Raises:
        OSError: it cannot be written.
    """
    path.touch()  # fails for a reason; netCDF says that permission is denied
    with write_errors(path):
        file = _opened(path, "w")
    try:
        yield file
    finally:
        with write_errors(path):
            file.close()


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Be in the `LIBRARY`, and turn what it raises into an OSError about the file at `path`."""
    with LIBRARY:
        try:
            yield
        except RuntimeError as error:
            raise OSError(errno.EIO, str(error), path) from error
