"""Lists that a user wrote: one item a line."""

from pathlib import Path

from zsl_cli.errors import ZslError


def read_lines(path: Path) -> list[str]:
    """The lines of a text file in UTF-8, without white space around them. A byte order mark
    before the first one and empty lines behind the last one do not count; those in between are
    there as empty texts.

    Raises ZslError.
    """
    try:
        return lines_of(path.read_bytes(), str(path))
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror or error}") from error


def lines_of(content: bytes, source: str) -> list[str]:
    """As ``read_lines``, of what a file holds; ``source`` is what messages call it."""
    if b"\x00" in content:
        raise ZslError(f"{source}, line {_line_of(content, content.index(0))}: this is no text "
                       "with an item a line")
    try:
        lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise ZslError(f"{source}, line {_line_of(content, error.start)}: not UTF-8 text; convert "
                       "the file first (iconv -t utf-8)") from error
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _line_of(content: bytes, place: int) -> int:
    return content.count(b"\n", 0, place) + 1
