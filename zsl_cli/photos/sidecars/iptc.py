"""Keywords in IPTC-IIM, the records that JPEG and TIFF carry beside XMP or without it.

The format is that of the IPTC-NAA Information Interchange Model, version 4.2.
"""

import struct

from zsl_cli.photos.sidecars.elements import error

_IPTC_RESOURCE = 0x0404
_MARK = 0x1C
_CHARACTER_SET, _KEYWORDS = (1, 90), (2, 25)
_ENCODINGS = {  # by the escape sequences of ISO 2022
    b"\x1b%G": "utf-8", b"\x1b%/G": "utf-8", b"\x1b%/H": "utf-8", b"\x1b%/I": "utf-8",
    b"\x1b-A": "iso-8859-1", b"\x1b.A": "iso-8859-1", b"\x1b-B": "iso-8859-2",
    b"\x1b-C": "iso-8859-3", b"\x1b-D": "iso-8859-4", b"\x1b-L": "iso-8859-5",
    b"\x1b-G": "iso-8859-6", b"\x1b-F": "iso-8859-7", b"\x1b-H": "iso-8859-8",
    b"\x1b-M": "iso-8859-9", b"\x1b-b": "iso-8859-15"}


def resource(data: bytes) -> list[bytes]:
    """The IPTC records among Photoshop's image resources."""
    found, position = [], 0
    while len(data) - position >= 12:
        number, length = struct.unpack_from(">HB", data, position + 4)
        position += 6 + (length + 2) // 2 * 2  # a name, padded with its length to even
        size, = struct.unpack_from(">I", data, position)
        position += 4
        if size > len(data) - position:
            raise error("its IPTC metadata is cut off")
        if number == _IPTC_RESOURCE:
            found.append(data[position:position + size])
        position += size + size % 2
    return found


def keywords_in(data: bytes) -> list[str]:
    """The keywords in IPTC records.

    Raises ImageError of kind ``sidecar`` for records that are cut off.
    """
    encoding, found, position = "", [], 0
    while len(data) - position >= 5 and data[position] == _MARK:
        _, record, number, size = struct.unpack_from(">BBBH", data, position)
        position += 5
        if size & 0x8000:  # a long one: this is the length of its length
            width = size & 0x7FFF
            size = int.from_bytes(data[position:position + min(width, 8)], "big")
            position += width
        if size > len(data) - position:
            raise error("its IPTC metadata is cut off")
        value = data[position:position + size]
        position += size
        if (record, number) == _CHARACTER_SET:
            encoding = _ENCODINGS.get(value, "")
        elif (record, number) == _KEYWORDS:
            found.append(value)
    return [_text(value, encoding) for value in found]


def _text(value: bytes, encoding: str) -> str:
    """A value as text; most programs say nothing of its encoding, or something wrong."""
    for known in filter(None, (encoding, "utf-8", "cp1252")):
        try:
            return value.decode(known).strip("\0 ")
        except UnicodeError:
            continue
    return value.decode("latin-1").strip("\0 ")
