"""Keywords found by zsl → an XMP packet, among whatever else stands in it.

What zsl added is listed in properties of its own, so that a later run can take back exactly
that. Whatever the user or another program wrote stays as it is, byte for byte, and a keyword of
zsl's that the user took out never comes back.
"""

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from zsl_cli.photos.elements import ADVICE, RDF, Element, error, name
from zsl_cli.photos.entry import Provenance
from zsl_cli.photos.packet import Lines, Packet, clean, escape

ZSL = "http://ns.zsl-cli.org/label/1.0/"
"""The namespace of zsl's own properties."""

_NEW = (b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        b' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        b' </rdf:RDF>\n'
        b'</x:xmpmeta>\n'
        b'<?xpacket end="w"?>\n')


@dataclass(frozen=True)
class Keyword:
    """A label that was found in a photo.

    path: from the root of the label tree to the label itself; empty for a label in no tree.
    score: from 0 to 1.
    """

    name: str
    path: tuple[str, ...]
    score: float


@dataclass(frozen=True)
class _Property:
    """A property that lists keywords, and the zsl properties that keep account of it.

    value: a keyword as this property has it.
    """

    namespace: str
    prefix: str
    local: str
    container: str
    value: Callable[[Keyword], str]
    automatic: str
    rejected: str

    @property
    def name(self) -> str:
        return name(self.namespace, self.local)


def _joined(keyword: Keyword, separator: str) -> str:
    """The levels of a keyword's path; a separator within a level becomes a hyphen."""
    levels = (clean(level.replace(separator, "-")) for level in keyword.path or (keyword.name,))
    return separator.join(level for level in levels if level)


_SUBJECT = _Property("http://purl.org/dc/elements/1.1/", "dc", "subject", "Bag",
                     lambda keyword: clean(keyword.name), "automatic", "rejected")
_PROPERTIES = (
    _SUBJECT,
    _Property("http://ns.adobe.com/lightroom/1.0/", "lr", "hierarchicalSubject", "Bag",
              lambda keyword: _joined(keyword, "|"), "automaticHierarchy", "rejectedHierarchy"),
    _Property("http://www.digikam.org/ns/1.0/", "digiKam", "TagsList", "Seq",
              lambda keyword: _joined(keyword, "/"), "automaticTags", "rejectedTags"),
)


def merge(existing: bytes | None, keywords: Sequence[Keyword],
          provenance: Provenance) -> bytes | None:
    """The packet with these keywords, in place of those of an earlier run.

    ``existing`` itself is returned where nothing is to be done, and None where there is no
    packet and no keyword. Names are compared without regard to case, so that ``cat`` is not
    added beside the user's ``Cat``.

    Raises ImageError of kind ``sidecar`` for a packet that cannot be parsed safely.
    """
    digest = _digest(keywords, provenance)
    keywords = [keyword for keyword in keywords if clean(keyword.name)]
    if existing is None:
        if not keywords:
            return None
        packet, own = Packet(_NEW), {"created": ["True"]}
    else:
        # UTF-16, too, has these characters, with a NUL before or behind each.
        plain = existing.replace(b"\0", b"") if b"\0" in existing[:4] else existing
        if digest.encode() in plain or not (keywords or ZSL.encode() in plain):
            return existing
        packet = Packet(existing)
        own = _own(packet)
    lists = [_List(packet, kind, own) for kind in _PROPERTIES]
    accepted = [keyword for keyword in keywords if not any(each.rejects(keyword) for each in lists)]
    chunks: list[_Chunk] = []
    state: dict[str, Sequence[str]] = {}
    for each in lists:
        wanted = each.wanted(accepted)
        added = each.update(wanted)
        if added:
            chunks.append(_Chunk(each.kind.namespace, each.kind.prefix, each.kind.local,
                                 each.kind.container, added))
        state |= {each.kind.automatic: wanted, each.kind.rejected: each.rejected}
    if own.get("created") == ["True"]:
        state["created"] = ["True"]
    if any(state.values()):
        state |= {"scores": [f"{keyword.score:.2g} {clean(keyword.name)}" for keyword in accepted],
                  "model": [provenance.model], "vocabulary": [provenance.vocabulary],
                  "version": [provenance.version], "digest": [digest]}
    _write(packet, chunks, [_Chunk(ZSL, "zsl", local, _OWN[local], [clean(v) for v in state[local]])
                            for local in _OWN if state.get(local)])
    return packet.edited()


def is_ours(data: bytes) -> bool:
    """Whether zsl made this packet and nothing of anyone else's has come into it since.

    Raises ImageError as ``merge`` does.
    """
    packet = Packet(data)
    own = _own(packet)
    known = {kind.name for kind in _PROPERTIES}
    foreign = any(key not in known and not key.startswith(name(ZSL, ""))
                  for description in packet.descriptions
                  for key in (*(child.name for child in description.children),
                              *description.attributes) if key != name(RDF, "about"))
    return (own.get("created") == ["True"] and not foreign
            and not any(_List(packet, kind, own).users for kind in _PROPERTIES))


# zsl's own properties in the order they are written: the container of those that are lists.
_OWN = {"automatic": "Bag", "automaticHierarchy": "Bag", "automaticTags": "Bag",
        "rejected": "Bag", "rejectedHierarchy": "Bag", "rejectedTags": "Bag", "scores": "Seq",
        "model": "", "vocabulary": "", "version": "", "created": "", "digest": ""}


def _digest(keywords: Sequence[Keyword], provenance: Provenance) -> str:
    """What tells the result of one run from another's, to the two digits that scores have. A new
    version of zsl is no reason to touch a library."""
    said = repr(([(k.name, k.path, f"{k.score:.2g}") for k in keywords],
                 provenance.model, provenance.vocabulary))
    return "zsl1-" + hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _fold(text: str) -> str:
    """Text as it is compared: without regard to case or to how accents are composed."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _own(packet: Packet) -> dict[str, list[str]]:
    """The values of zsl's own properties, by local name."""
    values = {local: [value] for _, local, value in packet.attributes(ZSL)}
    for element in packet.properties(ZSL):
        items = element.container.items if element.container else [element]
        values[element.local] = [item.text for item in items]
    return values


class _List:
    """One list of keywords in a packet: which are the user's, which zsl's, which were rejected."""

    def __init__(self, packet: Packet, kind: _Property, own: dict[str, list[str]]) -> None:
        self.kind, self._packet = kind, packet
        self._elements = [element for element in packet.properties(kind.namespace)
                          if element.name == kind.name]
        self._holders = [holder for holder, local, _ in packet.attributes(kind.namespace)
                         if local == kind.local]
        items = [(item.text, item) for element in self._elements for item in _items(element)]
        # A list of one may stand without a container, or as an attribute; it is the user's then.
        self._bare = ([element.text for element in self._elements if not element.container]
                      + [holder.attributes[kind.name] for holder in self._holders])
        here = {_fold(text) for text, _ in items} | {_fold(text) for text in self._bare}
        automatic = own.get(kind.automatic, [])
        last = dict(items)  # of two the same, the user wrote one; the last is zsl's
        self._ours: dict[str, Element] = {text: last[text] for text in automatic if text in last}
        ours = set(self._ours.values())
        self.users = ({_fold(text) for text, item in items if item not in ours}
                      | {_fold(text) for text in self._bare}) - {""}
        # A program may drop a whole property that it doesn't know; that rejects no keyword.
        gone = ([text for text in automatic if _fold(text) not in here]
                if items or kind is _SUBJECT else [])
        self.rejected = _unique([*own.get(kind.rejected, []), *gone])
        self._rejected = {_fold(text) for text in self.rejected}

    def rejects(self, keyword: Keyword) -> bool:
        """Whether the user once took this keyword out."""
        return bool(self._rejected) and _fold(self.kind.value(keyword)) in self._rejected

    def wanted(self, keywords: Iterable[Keyword]) -> list[str]:
        """The values that zsl is to have in this list: none that the user has."""
        values = _unique(self.kind.value(keyword) for keyword in keywords)
        return [value for value in values if value and _fold(value) not in self.users]

    def update(self, wanted: list[str]) -> list[str]:
        """Edit the list; the values that are to be written as a new property, where there is
        no list to add them to."""
        for text, item in self._ours.items():
            if text not in wanted:
                self._packet.remove(item)
        added = [text for text in wanted if text not in self._ours]
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
            ours = any(item in self._ours.values() for item in _items(element))
            if ours and element.container and self._packet.is_emptied(element.container):
                self._packet.remove(element)
        return added


def _items(element: Element) -> list[Element]:
    if element.container:
        return element.container.items
    if element.children:
        raise error(f"its property {element.local} is no list of keywords; {ADVICE}")
    return []


def _unique(values: Iterable[str]) -> list[str]:
    """The values without those that an earlier one equals but for case."""
    return list({_fold(value): value for value in reversed(list(values))}.values())[::-1]


@dataclass(frozen=True)
class _Chunk:
    """A property to be written: a container of values, or one value where that is empty."""

    namespace: str
    prefix: str
    local: str
    container: str
    values: Sequence[str]

    def lines(self, parent: Element, depth: int = 0) -> Lines:
        """The property as XML below ``parent``, whose namespaces it may use."""
        tag, declaration = parent.qualified(self.namespace, self.prefix, self.local)
        if not self.container:
            return [(depth, f"<{tag}{declaration}>{escape(self.values[0])}</{tag}>")]
        container, _ = parent.qualified(RDF, "rdf", self.container)
        li, _ = parent.qualified(RDF, "rdf", "li")
        return [(depth, f"<{tag}{declaration}>"), (depth + 1, f"<{container}>"),
                *((depth + 2, f"<{li}>{escape(value)}</{li}>") for value in self.values),
                (depth + 1, f"</{container}>"), (depth, f"</{tag}>")]


def _write(packet: Packet, chunks: list[_Chunk], own: list[_Chunk]) -> None:
    """New keyword lists go to the first rdf:Description. zsl's own properties go where they
    stood, or else to a description of their own, so that they can be cut out again whole."""
    homes = []
    for description in packet.descriptions:
        old = [child for child in description.children if child.name.startswith(name(ZSL, ""))]
        for child in old:
            packet.remove(child)
        packet.remove_attributes(description, lambda key: key.startswith(name(ZSL, "")))
        if old or any(key.startswith(name(ZSL, "")) for key in description.attributes):
            homes.append(description)
    if not packet.descriptions:
        _describe(packet, [*chunks, *own])
        return
    for chunk in chunks:
        packet.add(packet.descriptions[0], chunk.lines(packet.descriptions[0]))
    if own and homes:
        for chunk in own:
            packet.add(homes[0], chunk.lines(homes[0]))
    elif own:
        _describe(packet, own)
    for home in homes:
        foreign = any(not key.startswith(name(ZSL, "")) and key != name(RDF, "about")
                      for key in home.attributes)
        if len(packet.descriptions) > 1 and packet.is_emptied(home) and not foreign:
            packet.remove(home)


def _describe(packet: Packet, chunks: list[_Chunk]) -> None:
    """Add an rdf:Description of the same photo as the others, the namespaces declared on it."""
    if not chunks:
        return
    rdf = packet.rdf
    tag, _ = rdf.qualified(RDF, "rdf", "Description")
    about, declared = rdf.qualified(RDF, "rdf", "about", attribute=True)
    said = "".join(d.attributes.get(name(RDF, "about"), "") for d in packet.descriptions[:1])
    inner = Element(tag, {}, dict(rdf.scope), 0, 0)
    for chunk in chunks:
        qualified, declaration = inner.qualified(chunk.namespace, chunk.prefix, chunk.local)
        if declaration:
            inner.scope[qualified.partition(":")[0]] = chunk.namespace
            declared += declaration
    packet.add(rdf, [(0, f'<{tag} {about}="{escape(said)}"{declared}>'),
                     *(line for chunk in chunks for line in chunk.lines(inner, 1)),
                     (0, f"</{tag}>")])
