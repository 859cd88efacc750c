"""Lists that a user wrote: one item a line."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from zsl_cli.errors import ZslError

_NO_TEXT = "{source}, line {line}: this is no text with an item a line"
_LINE_BYTES = 1 << 20  # the most of a line that is read as one


def read_lines(path: Path) -> list[str]:
    """The lines of a text file (see ``text_of``), without white space around them and without the
    numbers of a list that is numbered. A byte order mark before the first one and empty lines
    behind the last one do not count; those in between are there as empty texts.

    Raises ZslError.
    """
    try:
        return lines_of(path.read_bytes(), str(path))
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror or error}") from error


def lines_of(content: bytes, source: str) -> list[str]:
    """As ``read_lines``, of what a file holds; ``source`` is what messages call it."""
    from zsl_cli.support.numbering import without_numbers

    lines = [line.strip() for line in text_of(content, source).splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return without_numbers(lines)


def text_of(content: bytes, source: str) -> str:
    """The text of a file in UTF-8, or in UTF-16 where it begins with that one's byte order mark,
    as Windows' programs write it; without the mark. Raises ZslError, with the line."""
    if not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decoded(content, source)
    try:
        text = content.decode("utf-16")
    except UnicodeDecodeError as error:
        line = 1 + content[:error.start].decode("utf-16", "replace").count("\n")
        raise ZslError(f"{source}, line {line}: not UTF-16 text, as its byte order mark says it "
                       "is; write the file anew in UTF-8") from error
    if "\x00" in text:
        line = 1 + text.count("\n", 0, text.index("\x00"))
        raise ZslError(_NO_TEXT.format(source=source, line=line))
    return text


def numbered_lines(path: Path) -> list[tuple[int, str]]:
    """The lines of ``read_lines`` that are not empty, each with its number. Raises ZslError."""
    return [(number, line) for number, line in enumerate(read_lines(path), start=1) if line]


def whole_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file in UTF-8 as they stand, their ends included, each with its number;
    without the byte order mark. A line ends with a line feed, whatever else might part lines.

    Raises ZslError.
    """
    try:
        with path.open("rb") as file:
            yield from lines_in(file, str(path))
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror or error}") from error


def lines_in(file: IO[bytes], source: str) -> Iterator[tuple[int, str]]:
    """As ``whole_lines``, of a file that is open; ``source`` is what messages call it. What reading
    it raises goes on."""
    number = 0
    while line := file.readline(_LINE_BYTES + 1):
        number += 1
        if len(line) > _LINE_BYTES:
            raise ZslError(_NO_TEXT.format(source=source, line=number))
        yield number, _decoded(line, source, number)


def _decoded(content: bytes, source: str, first: int = 1) -> str:
    """The text of a file from its line ``first`` on. Raises ZslError."""

    def line_of(place: int) -> int:
        return first + content.count(b"\n", 0, place)

    if b"\x00" in content:
        raise ZslError(_NO_TEXT.format(source=source, line=line_of(content.index(0))))
    try:
        return content.decode("utf-8-sig" if first == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise ZslError(f"{source}, line {line_of(error.start)}: not UTF-8 text; convert the file "
                       "first (iconv -t utf-8)") from error
