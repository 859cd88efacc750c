"""How catalogues are told of, to people and to programs."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zsl_cli.photos.catalogue.overview import Overview

SINGLE = "(photos and lists)"
"""In place of the library of a catalogue that has none."""


def size(number: float) -> str:
    """Bytes as a person says them."""
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 10 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:,.1f} GB"


def moment(seconds: int | None) -> str:
    """A time of this machine's clock."""
    if seconds is None:
        return "never"
    try:
        return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):
        return "at no time that a clock shows"


def record(one: "Overview") -> dict[str, Any]:
    """As programs read it; ``scanned`` is in seconds since 1970."""
    return {"name": one.folder.name, **asdict(one), "folder": str(one.folder)}
