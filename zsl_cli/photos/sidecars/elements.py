"""The elements of an XMP packet, and where each lies in its bytes.

Expat (https://libexpat.github.io) finds them. Sidecars come from anywhere, so that what this
costs is bounded by their length: namespaces are resolved here, since expat would write each out
before every name, and what a packet may consist of is limited.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from zsl_cli.errors import ImageError

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

MAX_PARTS = 200_000
"""Packets of more elements, attributes and namespaces are refused; an edit history, or the strokes
of many brushes, have tens of thousands."""

MAX_NAMESPACE = 256
"""The length of a namespace; real ones have up to 60 characters."""

ADVICE = "repair it, or move it away and run zsl again"
"""What to do about a sidecar that cannot be used."""

_SEPARATOR = "\x01"  # between namespace and local name; XML allows it in neither
_CONTAINERS = {f"{RDF}{_SEPARATOR}{kind}" for kind in ("Bag", "Seq", "Alt")}
_START_TAG = re.compile(rb"""<[^>"']*+(?:(?:"[^"]*+"|'[^']*+')[^>"']*+)*+>""")
_CHUNK = 1 << 20  # bytes; expat goes on to the end of what it was given, whatever a handler raises
_XML = {"xml": "http://www.w3.org/XML/1998/namespace"}


def name(namespace: str, local: str) -> str:
    """An element's or attribute's name as Element has it."""
    return namespace + _SEPARATOR + local


def error(message: str) -> ImageError:
    """The error for a sidecar that cannot be used."""
    return ImageError(message, "sidecar")


@dataclass(slots=True, eq=False)
class Element:
    """An element and where it lies in the packet's UTF-8 bytes.

    name: as from ``name()``; attributes: by such names; scope: prefix → namespace.
    start, end: of the whole element; inside: where its start tag ends.
    """

    name: str
    attributes: dict[str, str]
    scope: dict[str, str]
    start: int
    inside: int
    end: int = -1
    children: list["Element"] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def local(self) -> str:
        """The name without its namespace."""
        return self.name.rpartition(_SEPARATOR)[2]

    @property
    def text(self) -> str:
        """The text, without white space around it; of a value with qualifiers, the value."""
        values = [child for child in self.children if child.name == name(RDF, "value")]
        return "".join((values[0] if values else self).pieces).strip()

    @property
    def container(self) -> "Element | None":
        """A property's rdf:Bag, rdf:Seq or rdf:Alt."""
        return next((child for child in self.children if child.name in _CONTAINERS), None)

    @property
    def items(self) -> list["Element"]:
        """A container's items."""
        return [child for child in self.children if child.name == name(RDF, "li")]

    def qualified(self, namespace: str, prefix: str, local: str, *,
                  attribute: bool = False) -> tuple[str, str]:
        """(prefix:local, declaration) for something put into this element; the declaration, an
        attribute, is empty where the namespace has a prefix here, ``prefix`` or another."""
        scope = self.scope
        known = [key for key, value in scope.items()
                 if value == namespace and (key or not attribute)]
        if known:
            chosen = prefix if prefix in known else known[0]
            return f"{chosen}:{local}" if chosen else local, ""
        chosen, number = prefix, 1
        while chosen in scope:
            chosen, number = f"{prefix}{number}", number + 1
        return f"{chosen}:{local}", f' xmlns:{chosen}="{namespace}"'


def parse(data: bytes) -> Element:
    """The rdf:RDF element of a packet in UTF-8, whatever its XML declaration says.

    Raises ImageError of kind ``sidecar``.
    """
    if b"\0" in data:  # which XML does not allow, and expat may take for UTF-16
        raise error(f"not well-formed XML (it has NUL characters); {ADVICE}")
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    open_elements: list[Element] = []
    roots: list[Element] = []
    parts = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal parts
        parent = open_elements[-1] if open_elements else None
        scope = parent.scope if parent else _XML
        declared = {key[6:]: value for key, value in attributes.items()
                    if key == "xmlns" or key.startswith("xmlns:")}
        parts += 1 + len(attributes)
        if declared:
            # Each such element has a copy of what is in force, so that it counts whole.
            parts += len(scope)
            if max(map(len, declared.values())) > MAX_NAMESPACE:
                raise error(f"a namespace in it is longer than {MAX_NAMESPACE} characters; "
                            f"{ADVICE}")
        if parts > MAX_PARTS:
            raise error(f"it has more than {MAX_PARTS:,} elements, attributes and namespaces; "
                        f"{ADVICE}")
        scope = scope | declared if declared else scope
        match = _START_TAG.match(data, parser.CurrentByteIndex)
        assert match is not None
        element = Element(
            _resolved(tag, scope, scope.get("", "")),
            {_resolved(key, scope, ""): value for key, value in attributes.items()
             if key != "xmlns" and not key.startswith("xmlns:")},
            scope, *match.span())
        if parent:
            parent.children.append(element)
        if element.name == name(RDF, "RDF"):
            roots.append(element)
        open_elements.append(element)

    def end(_: str) -> None:
        element = open_elements.pop()
        if data[element.inside - 2:element.inside] == b"/>":
            element.end = element.inside
        else:
            element.end = data.index(b">", parser.CurrentByteIndex) + 1

    def characters(text: str) -> None:
        open_elements[-1].pieces.append(text)

    def doctype(*_: object) -> None:
        raise error("it has a DOCTYPE, which no sidecar needs and which can hide an attack; "
                    f"{ADVICE}")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    try:
        for position in range(0, len(data), _CHUNK):
            parser.Parse(data[position:position + _CHUNK], False)
        parser.Parse(b"", True)
    except expat.ExpatError as reason:
        raise error(f"not well-formed XML ({reason}); {ADVICE}") from reason
    if not roots:
        raise error(f"it has no rdf:RDF element, so it is no XMP; {ADVICE}")
    return roots[0]


def _resolved(qualified: str, scope: Mapping[str, str], default: str) -> str:
    """A name with its namespace in place of its prefix; without one it has the default."""
    prefix, colon, local = qualified.partition(":")
    if not colon:
        return sys.intern(name(default, qualified) if default else qualified)
    if not scope.get(prefix):
        raise error(f"not well-formed XML (the prefix {prefix[:40]} stands for no namespace); "
                    f"{ADVICE}")
    return sys.intern(name(scope[prefix], local))
