"""When and where a photo was taken, as it says itself.

The time is that of Exif, else that of XMP; the place is that of Exif (CIPA DC-008-2023, 4.6.5 and
4.6.6). This runs beside the few milliseconds in which a photo is decoded, so that only the tags
that are needed are read, and XMP only where Exif has no time.
"""

import io
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, NamedTuple

from zsl_cli.photos.metadata import boxes, parts, tiff
from zsl_cli.photos.metadata.kinds import Kind
from zsl_cli.photos.metadata.reading import DAMAGE, Reader

_MOST = 1 << 22  # bytes of a file that are read
_MOST_XMP = 1 << 20  # bytes of a packet that are parsed; real ones have kilobytes
_DECIMALS = 7  # of a degree, a centimetre
_FIRST_YEAR = 1826  # of the oldest photograph that there is

_ORIGINAL, _DIGITIZED = 0x9003, 0x9004
_TIMES = (_ORIGINAL, _DIGITIZED, tiff.DATE_TIME)
_FIRST_TAGS = {*_TIMES, tiff.XMP, tiff.EXIF, tiff.GPS}
_GPS_TAGS = range(1, 5)  # the letter and the degrees of the latitude, and those of the longitude
_SIGNS = {b"N": 1, b"S": -1}, {b"E": 1, b"W": -1}

_XMP_HAS_TIME = re.compile(rb"DateTimeOriginal|DateCreated|CreateDate")

_TIME = re.compile(rb"(\d{4})[:/.-](\d\d?)[:/.-](\d\d?)"
                   rb"(?:(?:T|\s+)(\d\d?):(\d\d)(?::(\d\d))?|[\s:]*$)")

_Place = tuple[float, float] | tuple[None, None]


@dataclass(frozen=True)
class Capture:
    """When and where a photo was taken; None is what it does not say, or cannot be true.

    taken: the time on the camera's clock, in ISO 8601 without a zone, ``2024-07-01T18:03:22``; of a
        day without a time, its beginning.
    latitude, longitude: degrees, north and east being positive; there are both or neither.
    """

    taken: str | None = None
    latitude: float | None = None
    longitude: float | None = None


def read(file: BinaryIO) -> Capture:
    """When and where the photo in an open, seekable file was taken; the file may stand anywhere,
    before and afterwards.

    Of a damaged photo this is what can be read, and of a file that is no photo nothing. Some 4 MB
    are read at most. Raises OSError.
    """
    place: _Place = (None, None)
    packets = []
    with suppress(*DAMAGE):
        for found in _found(file):
            if place[0] is None:
                place = found.place
            if found.taken:  # where there is a place, it stands there too, or before
                return Capture(found.taken, *place)
            packets.append(found.xmp)
    taken = next(filter(None, map(_time_in_xmp, packets)), None)
    return Capture(taken, *place)


class _Found(NamedTuple):
    """What a part of a photo says. XMP is as it was read, since most often Exif has the time."""

    taken: str | None = None
    place: _Place = (None, None)
    xmp: bytes = b""


def _found(file: BinaryIO) -> Iterator[_Found]:
    """What the parts of a photo say, one after the other."""
    file.seek(0)
    start = file.read(parts.START)
    reader = Reader(file, _MOST)
    if start.startswith(tiff.STARTS + tiff.RAW_STARTS):
        yield _in_exif(tiff.Tiff(reader))
        return
    walk = boxes.parts if boxes.begins(start) else parts.walker(start)
    if walk is None:
        return
    for kind, data in walk(reader):
        if kind is Kind.XMP:
            yield _Found(xmp=data)
        elif kind in (Kind.EXIF, Kind.GPS) and data.startswith(tiff.STARTS):
            with suppress(*DAMAGE):
                exif = tiff.Tiff(Reader(io.BytesIO(data), _MOST))
                yield (_in_exif(exif) if kind is Kind.EXIF
                       else _Found(place=_in_gps(exif, exif.first)))


def _in_exif(exif: tiff.Tiff) -> _Found:
    """What a TIFF file, or Exif, says. One tag that is damaged hides no other."""
    tags = {entry.tag: entry for entry in exif.directory(exif.first, _FIRST_TAGS)}
    place: _Place = (None, None)
    with suppress(*DAMAGE):
        if tiff.GPS in tags:
            place = _in_gps(exif, exif.number(tags[tiff.GPS]))
    with suppress(*DAMAGE):
        if tiff.EXIF in tags:
            inner = exif.directory(exif.number(tags[tiff.EXIF]), _TIMES)
            tags |= {entry.tag: entry for entry in inner}
    for tag in _TIMES:
        with suppress(*DAMAGE):
            if tag in tags and (taken := _time(exif.value(tags[tag]))):
                return _Found(taken, place)
    with suppress(*DAMAGE):
        if tiff.XMP in tags:
            return _Found(None, place, exif.value(tags[tiff.XMP]))
    return _Found(None, place)


def _in_gps(exif: tiff.Tiff, at: int) -> _Place:
    """The place in the GPS directory that lies there."""
    tags = {entry.tag: entry for entry in exif.directory(at, _GPS_TAGS)}
    if len(tags) < len(_GPS_TAGS):
        return None, None
    latitude, longitude = (_degrees(exif, tags[tag], tags[tag + 1], signs)
                           for tag, signs in zip(_GPS_TAGS[::2], _SIGNS, strict=True))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None, None
    if latitude == longitude == 0:  # what devices write that do not know where they are
        return None, None
    return latitude, longitude


def _degrees(exif: tiff.Tiff, letter: tiff.Entry, entry: tiff.Entry,
             signs: dict[bytes, int]) -> float | None:
    """An angle that is written as degrees, minutes and seconds, each the ratio of two numbers."""
    sign = signs.get(exif.value(letter).strip()[:1].upper())
    form = {tiff.RATIONAL: "II", tiff.SIGNED_RATIONAL: "ii"}.get(entry.type)
    if sign is None or form is None or not 1 <= entry.values <= 3:
        return None
    numbers = struct.unpack(exif.order + form * entry.values, exif.value(entry))
    if 0 in numbers[1::2]:
        return None
    ratios = zip(numbers[::2], numbers[1::2], strict=True)
    angle = sum(above / below / 60**power for power, (above, below) in enumerate(ratios))
    return round(sign * angle, _DECIMALS) + 0.0  # which makes 0.0 of -0.0


def _time_in_xmp(data: bytes) -> str | None:
    """The first time of a packet that makes sense, the original's before that of digitizing."""
    if len(data) > _MOST_XMP or not _XMP_HAS_TIME.search(data):
        return None
    from zsl_cli.photos.sidecars.times import times_in  # rare, and not quick to import

    with suppress(*DAMAGE):
        return next(filter(None, (_time(text.encode()) for text in times_in(data))), None)
    return None


def _time(text: bytes) -> str | None:
    """A time as Exif or XMP has it, and as other programs write it there; None if there is none."""
    match = _TIME.match(text.replace(b"\0", b" ").strip())
    if match is None or int(match[1]) < _FIRST_YEAR:
        return None
    try:
        year, month, day, hour, minute, second = (int(digits or 0) for digits in match.groups())
        return datetime(year, month, day, hour, minute, second).isoformat()
    except ValueError:  # month 13
        return None
