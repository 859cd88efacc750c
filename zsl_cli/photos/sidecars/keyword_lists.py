"""The lists of keywords in a packet: whose each keyword is, and which have to stand in several.

Programs read one list and no other, the first that they find: digiKam and Immich TagsList before
hierarchicalSubject before subject, with a few more in between, darktable the last two. A list that
zsl makes would hide those that are read after it. So one in which there is no keyword of the
user's gets a copy of his from all others. A list in which he has some is his, and is only added
to: what he left out of it stays out.
"""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from zsl_cli.classifier.predictions import Keyword
from zsl_cli.photos.sidecars.elements import ADVICE, RDF, Element, error, name
from zsl_cli.photos.sidecars.layout import Layout
from zsl_cli.photos.sidecars.packet import Packet, clean, escape
from zsl_cli.photos.sidecars.spellings import Words, fold, unique

MAX_KEYWORDS = 10_000
"""Of the user's, of which copies are made; a real photo has dozens."""

_SWAPPED = str.maketrans("|/", "/|")
_MAX_CATEGORIES = 100_000  # characters


@dataclass(frozen=True)
class KeywordProperty:
    """A property that lists keywords, and the zsl properties that keep account of it.

    separator: between the levels of a keyword; empty where there is but one.
    automatic: the keywords in it that are zsl's; carried: those that are copies of the user's;
    rejected: those that he took out.
    """

    namespace: str
    prefix: str
    local: str
    container: str
    separator: str
    automatic: str
    carried: str
    rejected: str

    @property
    def name(self) -> str:
        return name(self.namespace, self.local)

    def level(self, text: str) -> str:
        """A level of a keyword as this property has it; a separator within becomes a hyphen."""
        return clean(text.replace(self.separator, "-") if self.separator else text)

    def joined(self, path: Iterable[str]) -> str:
        """A keyword as this property has it: all levels, or where it has but one, the last."""
        levels = [level for text in path if (level := self.level(text))]
        return self.separator.join(levels) if self.separator else "".join(levels[-1:])


SUBJECT = KeywordProperty("http://purl.org/dc/elements/1.1/", "dc", "subject", "Bag", "",
                          "automatic", "carried", "rejected")
PROPERTIES = (
    SUBJECT,
    KeywordProperty("http://ns.adobe.com/lightroom/1.0/", "lr", "hierarchicalSubject", "Bag", "|",
                    "automaticHierarchy", "carriedHierarchy", "rejectedHierarchy"),
    KeywordProperty("http://www.digikam.org/ns/1.0/", "digiKam", "TagsList", "Seq", "/",
                    "automaticTags", "carriedTags", "rejectedTags"),
)

_CATEGORIES = name("http://ns.acdsee.com/iptc/1.0/", "categories")
_OTHERS = {  # which zsl does not write, yet digiKam reads: the separators of their levels
    name("http://ns.microsoft.com/photo/1.0/", "LastKeywordXMP"): "/",
    name("http://ns.microsoft.com/photo/1.0", "LastKeywordXMP"): "/",
    name("http://ns.iview-multimedia.com/mediapro/1.0/", "CatalogSets"): "|",
    _CATEGORIES: "|"}
SEPARATORS = {kind.name: kind.separator for kind in PROPERTIES} | _OTHERS


class Written(NamedTuple):
    """A keyword of the user's as it stands in some list; ``separator`` as in KeywordProperty."""

    separator: str
    text: str

    @property
    def levels(self) -> list[str]:
        parts = self.text.split(self.separator) if self.separator else [self.text]
        return [level for part in parts if (level := clean(part))]

    def as_in(self, kind: KeywordProperty) -> str:
        """The same keyword for another list. What would become a separator there changes places
        with the one that it has; a flat keyword is read alike by all."""
        if not kind.separator:
            return self.levels[-1] if self.levels else ""
        if self.separator in ("", kind.separator):
            return clean(self.text)
        return clean(self.text.translate(_SWAPPED))


def laid_out(layout: Layout, keywords: Sequence[Keyword], each: "KeywordList",
             own: Words) -> list[str]:
    """The keywords as a list is to have them: in paths the words that are his, too, as the user
    spells them, and no parents that he has or took out."""
    if each.kind.separator:
        root = [layout.root] if layout.root else []
        paths = [[*root, *map(own.spelt, keyword.path[:-1]), keyword.name] for keyword in keywords]
    else:
        paths = [[keyword.name] for keyword in keywords]
        paths += [[level] for keyword in keywords for level in reversed(keyword.words_above)
                  if layout.parents and level not in own and not each.rejects_word(level)]
    return unique(value for path in paths if (value := each.kind.joined(path)))


Lists = Mapping[str, Sequence[str]]
"""Keywords by the name of the property in which they stand."""


def lists_in(packet: Packet, *, only: Iterable[str] = SEPARATORS) -> dict[str, list[str]]:
    """The keywords of a packet, whoever wrote them."""
    found: dict[str, list[str]] = {}
    wanted = set(only)
    for description in packet.descriptions:
        texts = [(key, [value]) for key, value in description.attributes.items() if key in wanted]
        texts += [(child.name, [item.text for item in child.container.items]
                   if child.container else [child.text])
                  for child in description.children if child.name in wanted]
        for key, values in texts:
            if key == _CATEGORIES:
                paths = [path for value in values for path in _categories(value)]
            else:
                paths = values
            found.setdefault(key, []).extend(filter(None, paths))
    return found


def _categories(text: str) -> Iterator[str]:
    """The paths of ACDSee's categories, an XML text in which those that apply are marked."""
    if len(text) > _MAX_CATEGORIES or "<!" in text:
        return
    try:
        root = ET.fromstring(f"<all>{text}</all>")
    except ET.ParseError:  # then no other program finds any in it either
        return
    nothing: tuple[str, ...] = ()
    open_elements = [(nothing, element) for element in root]
    while open_elements:
        above, element = open_elements.pop(0)
        label = clean(element.text or "")
        path = (*above, label) if label else above
        if element.get("Assigned") == "1" and path:
            yield "|".join(path)
        open_elements += [(path, child) for child in element]


def lists_of_the_user(packet: Packet, lists: "Sequence[KeywordList]") -> dict[str, list[str]]:
    """His keywords in a packet, without those of zsl's and its copies."""
    return {each.kind.name: each.own for each in lists} | lists_in(packet, only=_OTHERS)


def users(packet: Packet, lists: "Sequence[KeywordList]", elsewhere: Callable[[], Lists],
          ) -> list[Written]:
    """The user's keywords as other programs would find them: a list of the sidecar's stands for
    the one ``elsewhere``, in the photo, which counts where there is none. What zsl had written is
    not his, though somebody has copied it there, nor is what he has taken out of the sidecar."""
    standing = lists_of_the_user(packet, lists)
    found = [Written(SEPARATORS[key], text) for key, texts in standing.items() for text in texts]
    for key, texts in ({} if all(standing.values()) else elsewhere()).items():
        if not standing.get(key):
            words = (Written(SEPARATORS[key], text) for text in texts)
            found += [word for word in words
                      if not any(each.is_settled(word.as_in(each.kind)) for each in lists)]
    return found


def users_words(words: Iterable[Written], lists: "Sequence[KeywordList]") -> Words:
    """The user's words in whatever list, each level of a path, and those of which but a copy is
    left."""
    known = [*words, *(Written(each.kind.separator, text) for each in lists
                       for text in each.copies)]
    return Words(level for word in known for level in word.levels)


class KeywordList:
    """One list of keywords in a packet: which are the user's own, which are copies of his, which
    are zsl's, and which he rejected."""

    def __init__(self, packet: Packet, kind: KeywordProperty, state: Lists) -> None:
        self.kind, self._packet = kind, packet
        self._elements = [element for element in packet.properties(kind.namespace)
                          if element.name == kind.name]
        self._holders = [holder for holder, local, _ in packet.attributes(kind.namespace)
                         if local == kind.local]
        items = [(item.text, item) for element in self._elements for item in _items(element)]
        # A list of one may stand without a container, or as an attribute; it is the user's then.
        self._bare = ([element.text for element in self._elements if not element.container]
                      + [holder.attributes[kind.name] for holder in self._holders])
        last = dict(items)  # of two the same, the user wrote one; the last is zsl's
        self._ours = {text: last[text] for text in state.get(kind.automatic, ()) if text in last}
        self._copies = {text: last[text] for text in state.get(kind.carried, ())
                        if text in last and text not in self._ours}
        written = {*self._ours.values(), *self._copies.values()}
        self.own = [text for text in (*(text for text, item in items if item not in written),
                                      *self._bare) if text]
        # A program may drop a whole property that it doesn't know; that rejects no keyword.
        here = {fold(text) for text in (*last, *self._bare)}
        gone = ([text for text in (*state.get(kind.automatic, ()), *state.get(kind.carried, ()))
                 if fold(text) not in here] if items or kind is SUBJECT else [])
        self.rejected = unique([*state.get(kind.rejected, ()), *gone])
        self._rejected = {fold(text) for text in self.rejected}
        self._rejected_words = {text.rpartition(kind.separator)[2] if kind.separator else text
                                for text in self._rejected}
        self._settled = self._rejected | {fold(text) for text in state.get(kind.automatic, ())}
        self.wanted: list[str] = []
        self.carried: list[str] = []

    def rejects(self, value: str) -> bool:
        """Whether the user once took this out."""
        return bool(self._rejected) and fold(value) in self._rejected

    def rejects_word(self, word: str) -> bool:
        """Whether the user once took this word out, wherever in the tree it was: it may have
        another place there by now."""
        return bool(self._rejected_words) and fold(self.kind.level(word)) in self._rejected_words

    def is_settled(self, value: str) -> bool:
        """Whether zsl once wrote it or the user took it out."""
        return bool(self._settled) and fold(value) in self._settled

    @property
    def is_made(self) -> bool:
        """Whether there is nothing of the user's in it but copies."""
        return not self.own

    @property
    def copies(self) -> list[str]:
        """What is there of the user's keywords as copies."""
        return list(self._copies)

    def decide(self, values: Sequence[str], words: Sequence[Written]) -> None:
        """Decide what zsl is to have in the list: ``wanted``, those of its ``values`` that the
        user has not, and ``carried``, copies of his keywords ``words`` where it makes the list.

        Without a keyword of zsl's no list is made, and one that was made goes, unless a copy is
        all that is left of a keyword: then the list is the user's from now on.
        """
        copies = [value for value in self._copies_of(words) if not self.rejects(value)]
        if values:
            self.carried = unique([*self._copies, *(copies if self.is_made else ())])
            known = {fold(text) for text in (*self.own, *self.carried)}
            self.wanted = [value for value in values if fold(value) not in known]
        elif not (self.is_made and {*map(fold, self._copies)} <= {*map(fold, copies)}):
            self._copies = {}

    def take_back(self) -> None:
        """Take out all that zsl wrote into the list. Only where the user has put keywords of his
        beside copies the list is his by now, and programs that read no other would miss these."""
        if not self.is_made:
            self._copies = {}
        self.update()

    def _copies_of(self, words: Sequence[Written]) -> list[str]:
        """The user's keywords as this list has them. Of a flat one that is a level of another
        there is need only in a flat list."""
        levels = {fold(level) for word in words if word.separator for level in word.levels}
        flat = [word for word in words if not word.separator
                and not (self.kind.separator and fold(clean(word.text)) in levels)]
        deep = [word for word in words if word.separator]
        chosen = deep + flat if self.kind.separator else flat + deep
        return unique(value for word in chosen if (value := word.as_in(self.kind)))

    def update(self) -> list[str]:
        """Edit the list; the values that are to be written as a new property, where there is
        no list to add them to."""
        kept = {*self.wanted, *self.carried}
        removed = {item for text, item in (*self._ours.items(), *self._copies.items())
                   if text not in kept}
        for item in removed:
            self._packet.remove(item)
        added = [text for text in (*self.carried, *self.wanted)
                 if text not in self._ours and text not in self._copies]
        container = next((e.container for e in self._elements if e.container), None)
        if added and container:
            li, _ = container.qualified(RDF, "rdf", "li")
            self._packet.add(container, [(0, f"<{li}>{escape(t)}</{li}>") for t in added])
            added = []
        elif added:
            for element in self._elements:
                self._packet.remove(element)
            for holder in self._holders:
                self._packet.remove_attributes(holder, self.kind.name.__eq__)
            added = [text for text in self._bare if text] + added
        for element in self._elements:
            if (element.container and not removed.isdisjoint(element.container.items)
                    and self._packet.is_emptied(element.container)):
                self._packet.remove(element)
        return added


def _items(element: Element) -> list[Element]:
    if element.container:
        return element.container.items
    if element.children:
        raise error(f"its property {element.local} is no list of keywords; {ADVICE}")
    return []
