"""The bytes of a file, whatever compresses it, and how far into it we are."""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO

from zsl_cli.authoring.vocabularies import compressed
from zsl_cli.errors import ZslError
from zsl_cli.support.progress import Reporter, in_thousands
from zsl_cli.support.wording import listed

_BUFFER = 1 << 20
_NOT_OF_ZIP = (RuntimeError, OverflowError, ValueError, struct.error)
"""What zipfile raises beside compressed.DAMAGE: numbers and names of a damaged archive."""


class Stream:
    """A file opened for reading once, front to back, decompressed on the way.

    Used as a context; raises ZslError for a file that can't be opened.
    """

    def __init__(self, path: Path, member: str | None, reporter: Reporter) -> None:
        """``member`` names the file in a zip archive that holds several."""
        self.path = path
        self._back = b""
        self._closing: list[IO[bytes] | zipfile.ZipFile] = []
        if path.exists() and not path.is_file():
            raise ZslError(f"{path}: neither a file nor a folder (a pipe?); save it to a file "
                           "first")
        try:
            self._file = path.open("rb")
            self._closing.append(self._file)
            reporter.start("reading vectors", path.stat().st_size // 1000, "kB")
            self._advance, self._told = in_thousands(reporter.advance), 0
            self._reader = io.BufferedReader(self._open(member), _BUFFER)  # type: ignore[type-var]
        except compressed.DAMAGE as error:
            self.close()
            raise ZslError(compressed.explained(path, error)) from error
        except ZslError:
            self.close()
            raise

    def _open(self, member: str | None) -> IO[bytes]:
        kind = compressed.kind(self._file)
        if member is not None and kind != compressed.ZIP:
            raise ZslError(f"{self.path}: it is no zip archive, so `member` has no place")
        opened = (self._open_zip(member) if kind == compressed.ZIP else
                  compressed.decompressed(self._file, kind, self.path))
        self._closing.append(opened)  # the file itself, perhaps, which may be closed twice
        return opened

    def _open_zip(self, member: str | None) -> IO[bytes]:
        try:
            archive = zipfile.ZipFile(self._file)
        except _NOT_OF_ZIP as error:
            raise ZslError(compressed.explained(self.path, error)) from error
        self._closing.append(archive)
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
        if member is None and len(names) != 1:
            raise ZslError(f"{self.path}: it holds {len(names)} files; choose one with `member`: "
                           + listed(names))
        if member is not None and member not in names:
            raise ZslError(f"{self.path}: no {member!r} in it; it holds: {listed(names)}")
        try:
            return archive.open(member or names[0])
        except _NOT_OF_ZIP as error:  # encrypted, or a rare compression
            raise ZslError(f"{self.path}: {error}") from error

    def unread(self, data: bytes) -> None:
        """Put bytes back, for ``read`` to give again."""
        self._back = data

    def peek(self, size: int) -> bytes:
        """At least ``size`` bytes from here on, unless the file ends; they stay to be read."""
        return self._damage(lambda: self._reader.peek(size))

    def read(self, size: int) -> bytes:
        """So many bytes, fewer where the file ends. Raises ZslError for damaged compression."""
        back, self._back = self._back[:size], self._back[size:]
        return back + self._damage(lambda: self._reader.read(size - len(back)))

    def readline(self, longest: int) -> bytes:
        """A line with its end, or so many bytes of it. Raises ZslError as ``read``."""
        return self._damage(lambda: self._reader.readline(longest))

    def _damage(self, get: Callable[[], bytes]) -> bytes:
        try:
            data = get()
            if (read := self._file.tell() - self._told) >= _BUFFER:
                self._advance(read)
                self._told += read
            return data
        except compressed.DAMAGE as error:
            raise ZslError(compressed.explained(self.path, error)) from error

    def close(self) -> None:
        """Close the file and whatever decompresses it."""
        while self._closing:
            self._closing.pop().close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None,
                 _trace: TracebackType | None) -> None:
        self.close()
