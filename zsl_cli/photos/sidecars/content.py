"""Whether two packets say the same, however they are written.

Programs that change a sidecar write all of it in their own way: with other prefixes and
indentation, simple properties as attributes or as elements, one description or several.
"""

import hashlib

from zsl_cli.photos.sidecars.elements import RDF, Element, name
from zsl_cli.photos.sidecars.keyword_lists import PROPERTIES, lists_in
from zsl_cli.photos.sidecars.packet import Packet, is_blank

_DESCRIPTION = name(RDF, "Description")
_ORDERED = {name(RDF, "Seq"), name(RDF, "Alt"), name(RDF, "Bag")}
_SYNTAX = {name(RDF, "about"), name(RDF, "parseType")}
_KEYWORDS = {kind.name for kind in PROPERTIES}
_NOTHING = b""


def says_the_same(one: bytes | None, other: bytes | None) -> bool:
    """Whether two packets have the same properties; one that is not there or blank has none. In
    lists of keywords the order does not count.

    Raises ImageError of kind ``sidecar`` for a packet that cannot be parsed safely.
    """
    return one == other or _said(one) == _said(other)


def _said(data: bytes | None) -> tuple[list, list]:
    if data is None or is_blank(data):
        return [], []
    packet = Packet(data)
    keywords = [(key, sorted(texts)) for key, texts in lists_in(packet, only=_KEYWORDS).items()
                if texts]
    said = _values(packet.rdf)
    others = [(key, value) for description in packet.descriptions
              for key, value in _fields(description, said)]
    others += [(child.name, said[child]) for child in packet.rdf.children
               if child.name != _DESCRIPTION]
    return sorted(keywords), sorted((key, value) for key, value in others
                                    if value != _NOTHING and key not in _KEYWORDS)


def _values(root: Element) -> dict[Element, bytes]:
    """What each element below one says, as digests. Not by recursion: elements may lie in one
    another by the ten thousand."""
    elements, rest = [], list(root.children)
    while rest:
        element = rest.pop()
        elements.append(element)
        rest += element.children
    said: dict[Element, bytes] = {}
    for element in reversed(elements):  # children before their parents
        said[element] = _value(element, said)
    return said


def _value(element: Element, said: dict[Element, bytes]) -> bytes:
    children = element.children
    if len(children) == 1 and children[0].name == _DESCRIPTION and not element.attributes:
        return said[children[0]]  # what rdf:parseType="Resource" is short for
    fields = _fields(element, said)
    if element.name not in _ORDERED:
        fields.sort()
    text = "" if children else "".join(element.pieces)
    if not fields:
        return _digest(text) if text.strip() else _NOTHING
    return _digest(text if text.strip() else "", fields)


def _fields(element: Element, said: dict[Element, bytes]) -> list[tuple[str, bytes]]:
    """A structure's fields, whether they are written as attributes or as elements."""
    fields = [(key, _digest(value)) for key, value in element.attributes.items()
              if key not in _SYNTAX and value.strip()]
    return fields + [(child.name, said[child]) for child in element.children
                     if said[child] != _NOTHING]


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()
