"""What kinds of metadata a photo's parts hold."""

from enum import Enum, auto


class Kind(Enum):
    """How a part is to be read."""

    EXIF = auto()
    """Laid out as a TIFF file."""

    GPS = auto()
    """Laid out as a TIFF file, whose first directory is what Exif has as GPS directory."""

    XMP = auto()
    MORE_XMP = auto()
    """Of a packet too long for a segment: its GUID, its length and where this belongs."""

    PHOTOSHOP = auto()
    """Image resources, IPTC among them; those of several parts are to be joined."""

    IPTC = auto()


Part = tuple[Kind, bytes]
