"""The times in a packet at which a photo was taken."""

from collections.abc import Iterator

from zsl_cli.photos.sidecars.elements import name
from zsl_cli.photos.sidecars.keyword_lists import lists_in
from zsl_cli.photos.sidecars.packet import Packet

_TIMES = (name("http://ns.adobe.com/exif/1.0/", "DateTimeOriginal"),
          name("http://ns.adobe.com/photoshop/1.0/", "DateCreated"),
          name("http://ns.adobe.com/xap/1.0/", "CreateDate"))


def times_in(data: bytes) -> Iterator[str]:
    """What a packet has for times, that of the original before that of digitizing. Raises what
    reading.DAMAGE has for a packet that can't be read."""
    found = lists_in(Packet(data.strip(b"\0 \t\r\n")), only=_TIMES)
    for property_ in _TIMES:
        yield from found.get(property_, ())
