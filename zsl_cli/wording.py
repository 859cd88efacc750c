"""How messages speak of many things."""

from collections.abc import Sequence

_EXAMPLES = 8


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 label``, ``2,345 labels``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def some(names: Sequence[str], most: int = _EXAMPLES) -> str:
    """The first of the names, quoted, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
