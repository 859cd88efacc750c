"""From when to when photos were taken."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from zsl_cli.errors import RequestError

_DATE = re.compile(r"\d{4}(-\d\d(-\d\d([T ]\d\d(:\d\d(:\d\d)?)?)?)?)?")
_WHOLE = "0001-01-01T00:00:00"


@dataclass(frozen=True)
class Period:
    """Times as a catalogue has them, ``2024-07-01T18:03:22``, or the beginnings of such: of two
    texts the earlier one is the smaller. None where there is no limit."""

    since: str | None
    until: str | None

    @classmethod
    def parse(cls, since: str | None, until: str | None) -> Self:
        """What a user wrote; raises RequestError."""
        period = cls(_checked("since", since), _checked("until", until))
        if period.since and period.until and period.since[:len(period.until)] > period.until:
            raise RequestError(f"`since={since}` is later than `until={until}`")
        return period

    def __bool__(self) -> bool:
        return self.since is not None or self.until is not None

    @property
    def condition(self) -> tuple[str, tuple[str | int, ...]]:
        """As a condition of SQL on the photos of a catalogue, and its values."""
        when = ("coalesce(taken, strftime('%Y-%m-%dT%H:%M:%S', mtime / 1000000000, 'unixepoch', "
                "'localtime'), '')")
        conditions: list[str] = []
        values: list[str | int] = []
        if self.since is not None:
            conditions.append(f"{when} >= ?")
            values.append(self.since)
        if self.until is not None:
            conditions.append(f"substr({when}, 1, ?) <= ? AND {when} != ''")
            values += [len(self.until), self.until]
        return " AND ".join(conditions) or "1", tuple(values)


def _checked(parameter: str, text: str | None) -> str | None:
    """A date, with or without month, day and time. Raises RequestError."""
    if text is None:
        return None
    shown = str(text).strip()
    try:
        if not _DATE.fullmatch(shown):
            raise ValueError
        text = shown.replace(" ", "T")
        datetime.fromisoformat(text + _WHOLE[len(text):])
    except ValueError as error:
        raise RequestError(f"`{parameter}` is a date, such as 2024, 2024-07 or 2024-07-01, and "
                           f"not {shown!r}") from error
    return text
