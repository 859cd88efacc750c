"""The keywords that stand in a photo itself: in its XMP, in IPTC-IIM and in Windows' Exif tag."""

import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from zsl_cli.embedding.images import open_file
from zsl_cli.errors import ImageError
from zsl_cli.photos.sidecars.elements import ADVICE
from zsl_cli.photos.sidecars.iptc import keywords_in
from zsl_cli.photos.sidecars.keyword_lists import SUBJECT, lists_in
from zsl_cli.photos.sidecars.metadata_blocks import Blocks, collect
from zsl_cli.photos.sidecars.packet import Packet


@dataclass(frozen=True)
class Embedded:
    """What was found in a photo.

    lists: the keywords by the name of the XMP property in which they stand; those of IPTC and of
        Windows are among dc:subject.
    problem: why there may be more; empty where all was read.
    """

    lists: dict[str, list[str]]
    problem: str = ""


def read(photo: str | os.PathLike[str]) -> Embedded:
    """The keywords in a photo; whatever is wrong with it is said in the answer."""
    blocks, problems = Blocks(), []
    found: dict[str, list[str]] = {}
    flat: list[str] = []

    def attempt(work: Callable[[], object]) -> None:
        try:
            work()
        except OSError as reason:
            problems.append(reason.strerror or str(reason))
        except ImageError as reason:
            problems.append(str(reason).removesuffix(f"; {ADVICE}"))
        except (struct.error, zlib.error, ValueError, IndexError, OverflowError):
            problems.append("its metadata is damaged")

    def look() -> None:
        with open_file(photo) as file:
            collect(file, blocks)

    def add_xmp(data: bytes) -> None:
        plain = data if b"\0" in data[:4] else data.strip(b"\0 \t\r\n")
        for key, values in lists_in(Packet(plain)).items():
            found.setdefault(key, []).extend(values)

    def add_iptc(data: bytes) -> None:
        flat.extend(keywords_in(data))

    attempt(look)
    for data in blocks.xmp:
        attempt(partial(add_xmp, data))
    for data in blocks.iptc:
        attempt(partial(add_iptc, data))
    for data in blocks.windows:
        flat += data.decode("utf-16-le", "replace").replace("\0", "").split(";")
    if texts := [text for text in flat if text.strip()]:
        found.setdefault(SUBJECT.name, []).extend(texts)
    return Embedded(found, "; ".join(dict.fromkeys(problems)))
