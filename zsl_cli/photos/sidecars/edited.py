"""What a user has changed of a photo's keywords since zsl wrote its own beside them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from zsl_cli.photos.sidecars import marks
from zsl_cli.photos.sidecars.keyword_lists import (
    PROPERTIES,
    SEPARATORS,
    SUBJECT,
    KeywordList,
    Written,
    lists_in,
    lists_of_the_user,
)
from zsl_cli.photos.sidecars.packet import Packet
from zsl_cli.photos.sidecars.spellings import fold

Lists = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Edits:
    """added: keywords of the user's that were not there before, each from the top of its hierarchy
    down to the keyword itself. removed: keywords of zsl's that he took out, also long ago."""

    added: tuple[tuple[str, ...], ...] = ()
    removed: tuple[str, ...] = ()


def edits(data: bytes, before: Iterable[Lists] = ()) -> Edits:
    """Those in a packet that zsl has written into.

    Of what zsl wrote the keywords count, and not the words above them, which it wrote in passing.

    before: the keywords, by property, that were the user's own when zsl came: those of the copy
        that zsl kept, and those in the photo itself.

    Raises ImageError for a packet that cannot be parsed safely.
    """
    packet = Packet(data)
    own = marks.read(packet)
    lists = [KeywordList(packet, kind, own) for kind in PROPERTIES]
    known = {fold(level) for one in before for word in _written(one) for level in word.levels}
    known |= {fold(level) for each in lists for text in each.copies
              for level in Written(each.kind.separator, text).levels}
    paths = {tuple(word.levels) for word in _written(lists_of_the_user(packet, lists))}
    above = {fold(level) for path in paths for level in path[:-1]}
    deep = {fold(path[-1]) for path in paths if len(path) > 1}
    added = sorted(path for path in paths if path and fold(path[-1]) not in known and (
        len(path) > 1 or fold(path[0]) not in above | deep))
    there = {fold(level) for path in paths for level in path}
    there |= {fold(text) for text in lists_in(packet, only=[SUBJECT.name]).get(SUBJECT.name, ())}
    keywords = {fold(text.partition(" ")[2]) for text in own.get("confidences", ())}
    keywords |= {fold(Written(each.kind.separator, text).levels[-1]) for each in lists
                 if each.kind.separator for text in each.rejected if text.strip()}
    subject, = (each for each in lists if each.kind is SUBJECT)
    removed = {fold(text): text for text in subject.rejected
               if fold(text) in keywords - there - known}
    return Edits(tuple(added), tuple(sorted(removed.values())))


def _written(lists: Lists) -> list[Written]:
    return [Written(SEPARATORS[key], text) for key, texts in lists.items() for text in texts]
