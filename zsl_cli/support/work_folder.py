"""A folder for work that may be interrupted and gone on with: one process at a time is at work
there, and it goes when nothing in it is worth keeping.

The lock is ``files.locked``. filelock was tried beside it: both wait no longer than they are told
to and get a lock back from a process that was killed, but filelock takes a file of the user's for
its lock, where SQLite says that this is none, and is ten times as slow to import. Neither holds on
a network file system without locks of its own.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zsl_cli.errors import ZslError
from zsl_cli.support import files

LOCK = "lock"
_WINDOWS = os.name == "nt"


def clear(folder: Path, *, lock: str = LOCK) -> None:
    """Remove all that is in it but the lock. Raises OSError."""
    for path in folder.iterdir():
        if path.name != lock:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


@contextmanager
def opened(folder: Path, work: str, *, lock: str = LOCK,
           shown: Path | None = None, check: Callable[[], object] = lambda: None,
           worth_keeping: Callable[[], bool] | None = None) -> Iterator[None]:
    """The folder, made with its parents, for its user's eyes and held by this process alone.

    When the block ends well nothing of what is in it is kept; when it does not, what is in it is,
    if that is worth keeping. A folder with nothing kept in it is removed, and so are the parents
    that had to be made for it, as far as they are empty.

    work: what is done there, such as ``zsl train``, for messages.
    lock: the name of the file in the folder by which it is held.
    shown: what messages call the place where another is at work; by default the folder.
    check: raises ZslError where the folder must not be used; called before anything is made, and
        again once it is held, since another process may just have been at work there.
    worth_keeping: whether what is in it is; by default anything is.

    Raises ZslError for a folder that is a link, cannot be made, or is held by another process;
    OSError for a lock that cannot be made or is none.
    """
    check()
    if folder.is_symlink():  # perhaps somebody else's, and to be emptied
        raise ZslError(f"{folder} is a symbolic link; remove it, or name another output")
    made = [path for path in (folder, *folder.absolute().parents) if not path.exists()]
    lock_file, empty = folder / lock, False
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ZslError(f"{folder.parent}: no folder can be made there ({error.strerror}); name "
                       "another output") from error
    try:
        with files.locked(lock_file) as held:
            if not held or not lock_file.exists():  # whoever had it has just removed it
                raise ZslError(f"{shown or folder}: another {work} is at work there; wait for it, "
                               "or name another output")
            try:
                check()
                with _cleared(folder, lock, worth_keeping):
                    yield
            finally:
                empty = not _anything(folder, lock)
                if empty and not _WINDOWS:  # while it is held, or it might be another's by then
                    with suppress(OSError):
                        lock_file.unlink()
    finally:
        with suppress(OSError):
            if empty and _WINDOWS:  # where nothing removes a file that is open
                lock_file.unlink()
            for path in made or ([folder] if empty else []):  # as far as they are empty
                path.rmdir()


@contextmanager
def _cleared(folder: Path, lock: str, worth_keeping: Callable[[], bool] | None) -> Iterator[None]:
    kept = False
    try:
        yield
    except BaseException:
        kept = True
        kept = worth_keeping is None or worth_keeping()
        raise
    finally:
        if not kept:
            with suppress(OSError):
                clear(folder, lock=lock)


def _anything(folder: Path, lock: str) -> bool:
    """Whether there is more in it than the lock, as far as one can see."""
    try:
        return any(path.name != lock for path in folder.iterdir())
    except OSError:
        return True
