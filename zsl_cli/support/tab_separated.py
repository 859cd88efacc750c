"""Cells of a table that are separated by tabs: what is written comes back when it is read.

A tab, an end of line and a backslash within a text are written as ``\\t``, ``\\n``, ``\\r`` and
``\\\\``; in a list of texts, whose items are separated by ``|``, also ``|`` and ``;`` as ``\\|``
and ``\\;``. Nothing is quoted.
"""

import re
from collections.abc import Iterable

_TEXT = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_ITEM = {**_TEXT, **str.maketrans({"|": "\\|", ";": "\\;"})}
_WRITTEN = {escape: chr(character) for character, escape in _ITEM.items()}
_ESCAPE = re.compile(r"\\(?:[\\tnr|;]|ud[89a-f][0-9a-f]{2})")
_ITEMS = re.compile(r"(?:[^\\;|]|\\.|\\$)+")


def line(cells: Iterable[str]) -> bytes:
    """A line in UTF-8 of cells that ``text`` and ``texts`` have made."""
    return ("\t".join(cells) + "\n").encode("utf-8", "backslashreplace")


def text(value: str) -> str:
    """A text as a cell."""
    return value.translate(_TEXT)


def texts(values: Iterable[str]) -> str:
    """A list of texts as a cell."""
    return "|".join(value.translate(_ITEM) for value in values)


def read_text(cell: str) -> str:
    """The inverse of ``text``; halves of surrogate pairs, for which ``line`` has put their
    ``\\udXXX``, come back too."""
    return _ESCAPE.sub(lambda escape: _WRITTEN.get(escape[0]) or chr(int(escape[0][2:], 16)), cell)


def read_texts(cell: str) -> list[str]:
    """The inverse of ``texts``, which also takes ``;`` for a separator."""
    return [read_text(item) for item in _ITEMS.findall(cell)]
