"""CSV that a spreadsheet may open, RFC 4180."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

_FORMULA = re.compile(
    # what is not seen before it
    "[\\s\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff]*"
    "[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_QUOTED = re.compile(r'[",;\t\r\n]|^\s|\s$')
"""A semicolon separates cells where the comma is in numbers; readers may take blanks away."""


def safe(cell: str) -> str:
    """A text with an apostrophe before it if a spreadsheet would run it as a formula (OWASP, "CSV
    injection")."""
    return "'" + cell if _FORMULA.match(cell) else cell


def to_csv(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as lines; of the csv module's no dialect quotes what holds a semicolon alone."""
    return "".join(",".join(map(_cell, row)) + LINE_END for row in rows)


LINE_END = "\r\n"
"""Of a row."""


def safe_cell(value: Any) -> str:
    """A cell as ``to_csv`` writes it, a text ``safe``."""
    return _cell(safe(value) if isinstance(value, str) else value)


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text
