"""An XMP packet whose parts are cut out and put in as bytes, all others staying as they are.

A parser that gives a tree and a serializer that writes it would reorder attributes and lose
line breaks in their values. Here expat (https://libexpat.github.io) only says where each element
begins and ends, and the edits are spliced into the bytes that were read.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from zsl_cli.errors import ImageError

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

MAX_BYTES = 16_000_000
"""Larger sidecars are refused; a real one has kilobytes, with a long edit history hundreds."""

ADVICE = "repair it, or move it away and run zsl again"
"""What to do about a sidecar that cannot be used."""

Lines = list[tuple[int, str]]
"""XML to put in: each line's depth below its parent, and its text."""

_SEPARATOR = "\x01"  # between namespace and local name; XML allows it in neither
_CONTAINERS = {f"{RDF}{_SEPARATOR}{kind}" for kind in ("Bag", "Seq", "Alt")}
_START_TAG = re.compile(rb"""<[^>"']*(?:(?:"[^"]*"|'[^']*')[^>"']*)*>""")
_ATTRIBUTE = re.compile(rb"""\s+([^\s=/>]+)\s*=\s*(?:"[^"]*"|'[^']*')""")
_DECLARED = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)""")
_ENCODINGS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "ascii": "ascii",
              "iso-8859-1": "latin-1", "latin1": "latin-1"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def name(namespace: str, local: str) -> str:
    """An element's or attribute's name as Element has it."""
    return namespace + _SEPARATOR + local


def clean(text: str) -> str:
    """Text on one line, each character that XML 1.0 does not allow replaced by U+FFFD."""
    return " ".join(_NOT_XML.sub("\ufffd", text).split())


def escape(text: str) -> str:
    """Text as it stands in XML, in an element or between double quotes."""
    return (text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            .replace('"', "&quot;"))


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


class Packet:
    """A parsed XMP packet, and the edits that ``edited`` will carry out.

    Raises ImageError of kind ``sidecar`` for bytes that are no XMP packet, or no safe one.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_BYTES:
            raise error(f"its {len(data):,} bytes exceed the limit of {MAX_BYTES:,} bytes; "
                        f"{ADVICE}")
        self._encoding = _encoding(data)
        try:
            self._data = (data if self._encoding == "utf-8"
                          else data.decode(self._encoding).encode())
        except UnicodeError as reason:
            raise error(f"it claims to be {self._encoding.upper()} and is not; "
                        f"{ADVICE}") from reason
        self.rdf = _parse(self._data)
        self.descriptions = [child for child in self.rdf.children
                             if child.name == name(RDF, "Description")]
        self._original = data
        self._edits: list[tuple[int, int, bytes]] = []
        self._added: dict[Element, Lines] = {}
        self._removed: set[Element] = set()
        self._newline = "\r\n" if b"\r\n" in self._data else "\n"

    def properties(self, namespace: str) -> Iterator[Element]:
        """The properties of a namespace that are written as elements."""
        start = namespace + _SEPARATOR
        for description in self.descriptions:
            for child in description.children:
                if child.name.startswith(start):
                    yield child

    def attributes(self, namespace: str) -> Iterator[tuple[Element, str, str]]:
        """The properties of a namespace written as attributes: (description, local name, value)."""
        start = namespace + _SEPARATOR
        for description in self.descriptions:
            for key, value in description.attributes.items():
                if key.startswith(start):
                    yield description, key[len(start):], value

    def add(self, parent: Element, lines: Lines) -> None:
        """Put XML behind the last child of an element."""
        self._added.setdefault(parent, []).extend(lines)

    def remove(self, element: Element) -> None:
        """Cut out an element and the white space before it."""
        self._removed.add(element)
        self._edits.append((self._gap(element.start), element.end, b""))

    def remove_attributes(self, element: Element, chosen: Callable[[str], bool]) -> None:
        """Cut out the attributes of whose names ``chosen`` is true."""
        for match in _ATTRIBUTE.finditer(self._data, element.start, element.inside):
            prefix, colon, local = match[1].decode().partition(":")
            if colon and prefix in element.scope and chosen(name(element.scope[prefix], local)):
                self._edits.append((*match.span(), b""))

    def is_emptied(self, element: Element) -> bool:
        """Whether every child has been removed and none was added."""
        return element not in self._added and self._removed.issuperset(element.children)

    def edited(self) -> bytes:
        """The packet with all edits carried out, in the encoding that it came in."""
        edits = self._edits + [self._insertion(*added) for added in self._added.items()]
        if not edits:
            return self._original
        pieces, position = [], 0
        for start, end, new in sorted(edits):
            if start >= position:  # else it lies in something that was cut out
                pieces += [self._data[position:start], new]
                position = end
        result = b"".join([*pieces, self._data[position:]])
        if self._encoding == "utf-8":
            return result
        return result.decode().encode(self._encoding, "xmlcharrefreplace")

    def _insertion(self, parent: Element, lines: Lines) -> tuple[int, int, bytes]:
        outer = self._line_break(parent.start)
        if parent.children:
            first, place = self._line_break(parent.children[-1].start), parent.children[-1].end
        else:
            first, place = outer and outer + self._step(), parent.inside
        text = "".join(first and first + self._step() * depth + line if first else line
                       for depth, line in lines).encode()
        if parent.end > parent.inside:
            return place, place, text
        tag = re.match(rb"<([^\s/>]+)", self._data[parent.start:parent.inside])
        assert tag is not None
        return parent.end - 2, parent.end, b">" + text + outer.encode() + b"</" + tag[1] + b">"

    def _step(self) -> str:
        """The white space by which each level is indented more than its parent."""
        outer = self._line_break(self.rdf.start)
        inner = self._line_break(self.rdf.children[0].start) if self.rdf.children else ""
        return inner[len(outer):] if outer and inner.startswith(outer) else " "

    def _line_break(self, position: int) -> str:
        """The line break and indentation before a tag; empty where it doesn't begin a line."""
        gap = self._data[self._gap(position):position]
        return self._newline + gap[gap.rindex(b"\n") + 1:].decode() if b"\n" in gap else ""

    def _gap(self, position: int) -> int:
        """Where the white space before a position begins."""
        while position and self._data[position - 1] in b" \t\r\n":
            position -= 1
        return position


def _encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, b"<\0")):
        return "utf-16-le"
    if data.startswith((codecs.BOM_UTF16_BE, b"\0<")):
        return "utf-16-be"
    declared = _DECLARED.match(data)
    if declared is None:
        return "utf-8"
    encoding = declared[1].decode()
    if encoding.lower() not in _ENCODINGS:
        raise error(f"its encoding, {encoding}, is neither UTF-8 nor UTF-16; {ADVICE}")
    return _ENCODINGS[encoding.lower()]


def _parse(data: bytes) -> Element:
    """The rdf:RDF element of a packet in UTF-8, whatever its XML declaration says."""
    parser = expat.ParserCreate("utf-8", _SEPARATOR)
    parser.buffer_text = True
    open_elements: list[Element] = []
    roots: list[Element] = []
    declared: dict[str, str] = {}

    def declare(prefix: str | None, namespace: str | None) -> None:
        declared[prefix or ""] = namespace or ""

    def start(tag: str, attributes: dict[str, str]) -> None:
        parent = open_elements[-1] if open_elements else None
        scope = parent.scope if parent else {}
        if declared:
            scope = scope | declared
            declared.clear()
        match = _START_TAG.match(data, parser.CurrentByteIndex)
        assert match is not None
        element = Element(tag, attributes, scope, *match.span())
        if parent:
            parent.children.append(element)
        if tag == name(RDF, "RDF"):
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

    parser.StartNamespaceDeclHandler = declare
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as reason:
        raise error(f"not well-formed XML ({reason}); {ADVICE}") from reason
    if not roots:
        raise error(f"it has no rdf:RDF element, so it is no XMP; {ADVICE}")
    return roots[0]
