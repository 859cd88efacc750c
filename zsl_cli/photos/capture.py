"""When and where a photo was taken."""
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True)
class Capture:
    """Placeholder."""

    taken: str | None = None
    latitude: float | None = None
    longitude: float | None = None


def read(file: BinaryIO) -> Capture:
    """Placeholder."""
    return Capture()
