"""A file that is kept: written beside its place and renamed into it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, cast


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A new file that takes the place of ``path`` when the block ends well.

    When it does not, what was there stays as it was and nothing is left behind. The target of a
    symbolic link is replaced, not the link; what is no regular file (a pipe, ``/dev/null``) is
    written to as it is. Raises OSError.
    """
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        with open(target, "wb") as direct:
            yield direct
        return
    handle, work = tempfile.mkstemp(prefix=f".{os.path.basename(target)[:100]}-",
                                    dir=os.path.dirname(target))
    try:
        with open(handle, "wb") as file:
            yield cast("BinaryIO", file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(work, _mode(target))
        os.replace(work, target)
    finally:
        with suppress(OSError):
            os.unlink(work)


def _mode(target: str) -> int:
    """The permissions of the file that is replaced, or of a new file of this user."""
    try:
        return os.stat(target).st_mode & 0o7777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
