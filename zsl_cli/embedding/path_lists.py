"""A list of photos → paths: lines, or names between NUL bytes."""

import codecs
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from zsl_cli.errors import RequestError

_CHUNK = 1 << 16
_WIDE = ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
         (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
"""Windows' programs write UTF-16 (PowerShell's ``>``), with a mark before it."""

_NO_NAMES = {b"\n", b"\r", b".", b"/", b"\\", b":", b""}
"""What no list has as a name of its own, and what UTF-16 that is taken for names between NUL
bytes has: ``.`` is a whole folder, ``/`` the whole disk."""


def listed(file: BinaryIO) -> Iterator[str]:
    """The paths in a list: separated by NUL bytes if there is one at the start (``find
    -print0``), else by line ends. Read as it is used.

    UTF-16 and UTF-32 are read where a byte-order mark says so. Raises RequestError for a list
    that may be in them without one, and for one that is damaged.
    """
    chunk = file.read(_CHUNK)
    for mark, encoding in _WIDE:
        if chunk.startswith(mark):
            chunks = _decoded(file, chunk.removeprefix(mark), encoding)
            yield from _split(chunks, b"\n")
            return
    separator = b"\0" if b"\0" in chunk else b"\n"
    if separator == b"\n":  # an editor's mark; between NUL bytes there are names alone
        chunk = chunk.removeprefix(codecs.BOM_UTF8)
    elif not _NO_NAMES.isdisjoint(_between(chunk)):
        raise RequestError("the list is neither lines of UTF-8 nor names between NUL bytes; if it "
                           "is UTF-16, save it as UTF-8")
    yield from _split(_chunks(file, chunk), separator)


def _between(chunk: bytes) -> list[bytes]:
    """The whole names at the start of a list: all but the last, which may go on or is empty; at
    the end of a list that was cut off, it is what is left of a name."""
    *names, last = chunk.split(b"\0")
    return [*names, last] if last and len(chunk) < _CHUNK else names


def _chunks(file: BinaryIO, chunk: bytes) -> Iterator[bytes]:
    while chunk:
        yield chunk
        chunk = file.read(_CHUNK)


def _decoded(file: BinaryIO, chunk: bytes, encoding: str) -> Iterator[bytes]:
    """The bytes of the names as a file system has them."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for part in _chunks(file, chunk):
            yield os.fsencode(decoder.decode(part))
        yield os.fsencode(decoder.decode(b"", final=True))
    except UnicodeError as error:
        raise RequestError(f"the list begins as {encoding[:6].upper()} and goes on as something "
                           "else; save it as UTF-8") from error


def _split(chunks: Iterable[bytes], separator: bytes) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(separator)
        yield from _names(whole, separator)
    yield from _names([rest], separator)


def _names(lines: Iterable[bytes], separator: bytes) -> Iterator[str]:
    for line in lines:
        name = line.rstrip(b"\r") if separator == b"\n" else line
        if name:
            yield os.fsdecode(name)
