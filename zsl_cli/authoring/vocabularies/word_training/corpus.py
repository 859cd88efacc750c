"""A corpus of plain text: a file, a compressed file, or a folder of such."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from zsl_cli.authoring.vocabularies import compressed
from zsl_cli.errors import ZslError
from zsl_cli.support import folders

_BLOCK = 1 << 21  # bytes of text at a time


class CorpusError(ZslError):
    """A corpus that is missing, empty, damaged or not UTF-8 text."""


@dataclass(frozen=True)
class TextFile:
    """One file of a corpus: where it lies, and its name inside the corpus, with ``/``."""

    path: Path
    name: str

    def stamp(self) -> tuple[int, int]:
        """Its size in bytes, and the time of its last change in nanoseconds."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise CorpusError(f"{self.path}: {error.strerror}") from error
        return status.st_size, status.st_mtime_ns


@dataclass(frozen=True)
class Identity:
    """What a file was when it was read: name, size, time of the last change, SHA-256."""

    name: str
    bytes: int
    changed: int
    sha256: str


def find(corpus: Path) -> list[TextFile]:
    """The file, or all files below the folder that are not hidden, in the order of their names;
    raises CorpusError."""
    if not corpus.exists():
        raise CorpusError(f"{corpus}: no such file or folder")
    if not corpus.is_dir() and not corpus.is_file():
        raise CorpusError(f"{corpus}: neither a file nor a folder; a corpus is read again when an "
                          "interrupted training goes on")
    if not corpus.is_dir():
        return [TextFile(corpus, corpus.name)]

    def fail(error: OSError) -> None:
        raise CorpusError(f"{error.filename}: {error.strerror}") from error

    texts = []
    for folder, below, names in os.walk(corpus, onerror=fail):
        below[:] = [name for name in below if not name.startswith(".")]
        paths = [Path(folder) / name for name in names if not name.startswith(".")]
        texts += [TextFile(path, path.relative_to(corpus).as_posix())
                  for path in paths if path.is_file()]
    if not texts:
        raise CorpusError(f"{corpus}: no file in this folder")
    return sorted(texts, key=lambda file: file.name.split("/"))


def changed(files: list[TextFile], known: list[Identity]) -> str | None:
    """What differs from the files as they once were, in words, or None.

    A file of the same size and time is taken to be the same; one of another time is read.
    """
    names = [file.name for file in files]
    if len(names) == len(known) == 1 and names[0] != known[0].name:
        return f"that was {known[0].name}, and this is {names[0]}"
    if names != [identity.name for identity in known]:
        before = {identity.name for identity in known}
        differing = sorted(before.symmetric_difference(names))
        what = "new" if differing and differing[0] not in before else "gone"
        return f"{differing[0]} is {what}" if differing else "its files are in another order"
    for file, identity in zip(files, known, strict=True):
        size, time = file.stamp()
        if size != identity.bytes or (
                time != identity.changed and folders.sha256(file.path) != identity.sha256):
            return f"{file.path} has changed"
    return None


class _Counted:
    """A file whose bytes are counted and hashed as they are read."""

    def __init__(self, file: IO[bytes], advance: Callable[[int], None]) -> None:
        self._file = file
        self._advance = advance
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        self._advance(len(data))
        return data

    def drain(self) -> None:
        while self.read(_BLOCK):
            pass


def read(file: TextFile, advance: Callable[[int], None] = lambda _bytes: None,
         done: Callable[[Identity], None] = lambda _identity: None) -> Iterator[str]:
    """The text of a file in pieces of about 2 MB, cut at line ends, or in a longer line between
    words.

    advance is told of bytes read (of a compressed file: compressed bytes); done, after the last
    piece, of what the file was. Raises CorpusError, with the line and the byte of the text, for
    what is not UTF-8.
    """
    size, time = file.stamp()
    decoder = _Decoder(file.path)
    try:
        with file.path.open("rb") as raw:
            kind = compressed.kind(raw)
            counted = _Counted(raw, advance)
            stream = compressed.decompressed(cast("IO[bytes]", counted), kind, file.path)
            while block := stream.read(_BLOCK):
                yield decoder.decode(block)
            yield decoder.decode(b"", last=True)
            counted.drain()
    except compressed.DAMAGE as error:
        raise CorpusError(compressed.explained(file.path, error)) from error
    if file.stamp() != (size, time):
        raise CorpusError(f"{file.path}: changed while it was being read; run the command again "
                          "when nothing writes to it")
    done(Identity(file.name, size, time, counted.digest.hexdigest()))


class _Decoder:
    """Blocks of bytes → text, cut where nothing is torn apart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rest = b""
        self._line = 1
        self._byte = 0

    def decode(self, block: bytes, *, last: bool = False) -> str:
        """The text of what was held back and of the block; without ``last``, what follows the last
        cut is held back. Raises CorpusError for what is no UTF-8 text."""
        data = self._rest + block
        cut = len(data) if last else _cut(data)
        data, self._rest = data[:cut], data[cut:]
        at = data.find(b"\0")
        if at >= 0:
            raise CorpusError(f"{self._where(data, at)}: a zero byte, so this is a binary file or "
                              "UTF-16, and not UTF-8 text")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CorpusError(f"{self._where(data, error.start)}: not UTF-8 text "
                              f"({error.reason}); convert the file to UTF-8") from error
        if self._byte == 0:
            text = text.removeprefix("\ufeff")
        self._line += data.count(b"\n")
        self._byte += len(data)
        return text

    def _where(self, data: bytes, at: int) -> str:
        line = self._line + data.count(b"\n", 0, at)
        return f"{self._path}, line {line}, byte {self._byte + at}"


def _cut(data: bytes) -> int:
    """Where to cut: after the last line end, else after the last space, else (a megabyte without
    any) before the last character, which may be incomplete."""
    if not data:
        return 0
    for mark in (b"\n", b" "):
        if (at := data.rfind(mark)) >= 0:
            return at + 1
    if len(data) < _BLOCK:
        return 0
    at = len(data) - 1
    while at > len(data) - 4 and data[at] & 0xC0 == 0x80:  # a byte inside a character
        at -= 1
    return at
