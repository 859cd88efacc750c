"""What sidecars are called."""

from enum import StrEnum


class Naming(StrEnum):
    """How a sidecar is called.

    FULL: ``photo.jpg.xmp``, as darktable and digiKam do; STEM: ``photo.xmp``, as Adobe does.
    AUTO: whichever exist, or else FULL.
    """

    AUTO = "auto"
    FULL = "full"
    STEM = "stem"
