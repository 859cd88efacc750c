"""A file that is kept: it replaces none by mistake, is written beside its place and renamed into
it. And a lock in a file."""

import errno
import itertools
import os
import stat
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    import sqlite3

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_POLL = 0.1  # seconds


def check_new_file(path: str | os.PathLike[str], *, force: bool = False, parameter: str = "",
                   makes_folders: bool = False) -> None:
    """Raise ZslError, before any work is done, for a file that could not be written at its end, or
    that would replace another one.

    force: whether it may. An empty file, a pipe and a device hold nothing that could be lost.
    parameter: what the path was given as, which messages name.
    makes_folders: whether the folders above it will be made (see ``parents``).
    """
    named = f"`{parameter}` {os.fspath(path)}" if parameter else os.fspath(path)
    folder = os.path.dirname(os.path.realpath(path) if os.path.islink(path) else path) or "."
    if os.path.isdir(path):
        raise ZslError(f"{named}: this is a folder; give the name of a file in it")
    if not makes_folders and not os.path.exists(path) and not os.path.isdir(folder):
        raise ZslError(f"{named}: there is no folder {os.path.abspath(folder)}")
    if not force and os.path.isfile(path) and os.path.getsize(path):
        raise ZslError(f"{named} exists; give `force` to replace it, or choose another name")


def cannot_write(path: str | os.PathLike[str], error: OSError, but: str = "") -> ZslError:
    """What is raised for a file that could not be written; ``but`` says what is not lost."""
    return ZslError(f"cannot write {os.fspath(path)}: {error.strerror or error}{but}")


@contextmanager
def replacing(path: str | os.PathLike[str], *, durable: bool = True,
              like: str | os.PathLike[str] | None = None,
              check: Callable[[], object] = lambda: None) -> Iterator[BinaryIO]:
    """A new file that takes the place of ``path`` when the block ends well, unless that has the
    same content already.

    When it does not, what was there stays as it was and nothing is left behind; what a killed
    process has left is taken away by the next one. Several may write at once: each has a file of
    its own until it is renamed. The target of a symbolic link is replaced, not the link; what is
    no regular file (a pipe, ``/dev/null``) is written to as it is.

    durable: whether the data is on the disk before the name is, so that a power cut can't leave
        an empty file.
    like: the file that has the permissions which a new one is to have.
    check: called when all is written, just before the rename; what it raises prevents that.

    Raises OSError.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as direct:
            yield direct
        return
    target = os.path.realpath(path)
    with _work_file(target) as file:
        # Before anything is in it, lest somebody read what he may not.
        model = target if os.path.exists(target) else like
        if model is not None:
            os.chmod(file.name, os.stat(model).st_mode & 0o777)
        with file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        check()
        if os.path.exists(target):
            import filecmp

            if filecmp.cmp(file.name, target, shallow=False):
                return
        os.replace(file.name, target)


@contextmanager
def _work_file(target: str) -> Iterator[BinaryIO]:
    """A new file beside ``target`` that no other process writes to, and that is gone afterwards."""
    folder, name = os.path.split(target)
    start = os.path.join(folder, f".{name[:40]}-{zlib.crc32(os.fsencode(name)):08x}")
    # Windows has no such lock: there, names differ by the process.
    for number in itertools.count() if fcntl else [os.getpid()]:
        work = f"{start}-{number}.zsl-part"
        _remove_left(work)
        with ExitStack() as opened:
            try:  # x: what somebody puts there meanwhile is not followed
                file = opened.enter_context(open(work, "xb"))
            except FileExistsError:
                if not fcntl:
                    raise
                continue
            lock = None
            if fcntl:  # a descriptor of its own, since the file is closed before it is renamed
                lock = os.dup(file.fileno())
                opened.callback(os.close, lock)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:  # somebody has taken it for one that was left
                    continue
                except OSError:  # no locks on this file system, so that nobody does
                    pass
                if not _is_there(lock, work):
                    continue
            try:
                yield file
            finally:
                if lock is None or _is_there(lock, work):
                    with suppress(OSError):
                        os.unlink(work)
        return


def _remove_left(work: str) -> None:
    """Take away the work file of a process that was killed, and no other: the lock of one that
    lives can't be had, nor any where the file system has none."""
    with suppress(OSError), ExitStack() as opened:
        if fcntl and not os.path.islink(work):
            descriptor = os.open(work, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            opened.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_there(descriptor, work):
                return
        os.unlink(work)


def _is_there(descriptor: int, path: str) -> bool:
    """Whether an open file is the one that stands at a path, not followed."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def why_not_own(path: str | os.PathLike[str], *, group: bool = True) -> str:
    """Why somebody else may have made what is in a file, or put it into a folder, in words that go
    on from its name; empty where only this user or root can have done so.

    group: whether the members of its group are somebody else, too.

    Raises OSError where there is nothing.
    """
    status = os.lstat(path)
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        return "is a link or no regular file"
    if os.name == "posix" and status.st_uid not in (os.geteuid(), 0):
        return "belongs to another user"
    others = status.st_mode & (stat.S_IWOTH | (stat.S_IWGRP if group else 0))
    if others and _has_modes(path, stat.S_IMODE(status.st_mode), others):
        return "can be written to by others"
    return ""


def _has_modes(path: str | os.PathLike[str], mode: int, bits: int) -> bool:
    """Whether the file system keeps modes; some show all files as everybody's."""
    try:
        os.chmod(path, mode & ~bits)
        kept = not os.lstat(path).st_mode & bits
        os.chmod(path, mode)
        return kept
    except PermissionError:  # root's
        return True
    except OSError:
        return False


def at_once(path: str, flags: int) -> int:
    """An opener, for ``open``, that does not wait for the other end of a fifo; for a file it makes
    no difference."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def sync(path: str | os.PathLike[str]) -> None:
    """Wait until the content of a finished file is on the disk. Raises OSError."""
    with open(path, "rb+") as file:  # +: Windows syncs nothing that is open for reading alone
        os.fsync(file.fileno())


@contextmanager
def parents(path: str | os.PathLike[str]) -> Iterator[None]:
    """Within it the folders above ``path`` are there; those that had to be made are removed, as
    far as they are empty, if the block fails. Raises OSError."""
    missing = [folder for folder in Path(path).absolute().parents if not os.path.lexists(folder)]
    try:
        Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def locked(path: str | os.PathLike[str], *, wait: float = 0.0,
           waiting: Callable[[], object] = lambda: None) -> Iterator[bool]:
    """Whether the block has the lock in this file, which is made if need be, for itself alone.

    The lock is SQLite's on an empty database: the same on every system, which takes it back from
    a process that dies.

    wait: seconds for which to wait for whoever has it.
    waiting: called once if it comes to that.

    Raises OSError for a file that cannot be made or is something else.
    """
    import sqlite3

    try:
        connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    except sqlite3.Error as error:
        raise _no_lock(path, error) from error
    with closing(connection):
        held = _begin(connection, path)
        if not held and wait:
            waiting()
        deadline = time.monotonic() + wait
        while not held and time.monotonic() < deadline:
            time.sleep(_POLL)
            held = _begin(connection, path)
        yield held


def grants_locks(folder: str | os.PathLike[str]) -> bool:
    """Whether the file system of a folder lets files be locked; some network shares do not, and
    SQLite takes that for a lock of somebody else's."""
    try:
        import fcntl
        import tempfile

        file = tempfile.TemporaryFile(dir=os.fspath(folder) or os.curdir)  # noqa: SIM115
    except (ImportError, OSError):  # Windows; or it cannot be written to, which says nothing
        return True
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def _begin(connection: "sqlite3.Connection", path: str | os.PathLike[str]) -> bool:
    import sqlite3

    try:
        connection.execute("PRAGMA journal_mode = MEMORY")  # no file beside the lock
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        if not busy or not grants_locks(os.path.dirname(path)):
            raise _no_lock(path, error) from error
        return False
    return True


def _no_lock(path: str | os.PathLike[str], error: Exception) -> OSError:
    return OSError(errno.EIO, f"cannot be locked ({error})", os.fspath(path))
