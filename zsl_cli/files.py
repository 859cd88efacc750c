"""A file that is kept: written beside its place and renamed into it."""

import filecmp
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO


@contextmanager
def replacing(path: str | os.PathLike[str], *, durable: bool = True) -> Iterator[BinaryIO]:
    """A new file that takes the place of ``path`` when the block ends well, unless that has the
    same content already.

    When it does not, what was there stays as it was and nothing is left behind; what a killed
    process has left is taken away by the next one, so one at a time may write. The target of a
    symbolic link is replaced, not the link; what is no regular file (a pipe, ``/dev/null``) is
    written to as it is.

    durable: whether the data is on the disk before the name is, so that a power cut can't leave
        an empty file.

    Raises OSError.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as direct:
            yield direct
        return
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    work = os.path.join(folder, f".{name[:40]}-{zlib.crc32(os.fsencode(name)):08x}.zsl-part")
    with suppress(FileNotFoundError):
        os.unlink(work)
    try:
        with open(work, "xb") as file:  # x: whatever somebody puts there meanwhile is not followed
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        if os.path.exists(target):  # a new file has the mode that this user gives files
            if filecmp.cmp(work, target, shallow=False):
                return
            os.chmod(work, os.stat(target).st_mode & 0o7777)
        os.replace(work, target)
    finally:
        with suppress(OSError):
            os.unlink(work)
