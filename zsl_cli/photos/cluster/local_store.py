"""LocalStore: a folder, or a single file, of this machine."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from stat import S_ISREG
from typing import BinaryIO, Self

from zsl_cli.photos.cluster.store import Stored, StoreError
from zsl_cli.support import files
from zsl_cli.support.files import at_once

_NOTHING = (errno.ENOENT, errno.ENOTDIR)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_MARKS = ".zsl-part"  # what ``replacing`` writes to before it is renamed


@dataclass(frozen=True)
class LocalStore:
    """See Store. folder: as it was given."""

    folder: str

    @classmethod
    def at(cls, path: str) -> Self:
        """The store in a folder."""
        return cls(path.rstrip("/") or "/" if path else os.curdir)

    @property
    def address(self) -> str:
        """See Store."""
        return self.folder

    @property
    def is_local(self) -> bool:
        """It is."""
        return True

    def full(self, name: str) -> str:
        """See Store."""
        return os.path.join(self.folder, *name.split("/")) if name else self.folder

    def files(self, below: str = "") -> Iterator[Stored]:
        """See Store; links to folders are not followed, what is no regular file is left out."""
        if below in ("", os.curdir) and os.path.isfile(self.folder):
            if (one := self.look()) is not None:
                yield one
            return
        yield from self._below("" if below == os.curdir else below.strip("/"))

    def _below(self, folder: str) -> Iterator[Stored]:
        path = self.full(folder)
        with _explained(path, "read"):
            try:
                # As a store sorts them: a folder by its name with the slash.
                entries = sorted(os.scandir(path), key=lambda entry: entry.name + (
                    "/" if entry.is_dir(follow_symlinks=False) else ""))
            except FileNotFoundError:
                return
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from self._below(name)
            elif not entry.name.endswith(_NO_MARKS) and (one := self.look(name)) is not None:
                yield one

    def look(self, name: str = "") -> Stored | None:
        """See Store."""
        path = self.full(name)
        with _explained(path, "read"):
            try:
                status = os.stat(path)
            except OSError as error:
                if error.errno in _NOTHING:
                    return None
                raise
        return Stored(name, status.st_size, status.st_mtime_ns) if S_ISREG(status.st_mode) else None

    def read(self, name: str = "", *, most: int) -> bytes:
        """See Store."""
        with self.open(name) as file:
            path = self.full(name)
            with _explained(path, "read"):
                size = os.fstat(file.fileno()).st_size
                if size > most:
                    raise StoreError(f"{path} has {size:,} bytes, more than {most:,}", "limit")
                data = file.read(most + 1)
            if len(data) > most:
                raise StoreError(f"{path} has more than {most:,} bytes", "limit")
            return data

    @contextmanager
    def open(self, name: str = "") -> Iterator[BinaryIO]:
        """See Store."""
        path = self.full(name)
        with _explained(path, "read"):
            file = open(path, "rb", opener=at_once)  # noqa: SIM115
        with file:
            if not S_ISREG(os.fstat(file.fileno()).st_mode):
                raise StoreError(f"{path} is no regular file")
            yield file

    def write(self, name: str, data: bytes) -> None:
        """See Store; it is on the disk before its name is."""
        path = self.full(name)
        with _explained(path, "write"):
            os.makedirs(os.path.dirname(path) or os.curdir, exist_ok=True)
            with files.replacing(path) as file:
                file.write(data)

    def delete(self, name: str) -> None:
        """See Store."""
        path = self.full(name)
        with _explained(path, "remove"), suppress(FileNotFoundError):
            os.unlink(path)

    def check(self) -> None:
        """See Store."""
        with _explained(self.folder, "read"):
            if os.path.isdir(self.folder):
                os.scandir(self.folder).close()


@contextmanager
def _explained(path: str, verb: str) -> Iterator[None]:
    """OSError as StoreError."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno in _NOTHING:
            raise StoreError(f"cannot {verb} {path}: {why}", "missing") from error
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            raise StoreError(f"cannot {verb} {path}: {why}; give a folder that this user may "
                             f"{'write to' if verb != 'read' else 'read'}",
                             "permission") from error
        if error.errno in _FULL:
            raise StoreError(f"cannot {verb} {path}: {why}; make space and run again: what is "
                             "done is kept", "full") from error
        raise StoreError(f"cannot {verb} {path}: {why}") from error
