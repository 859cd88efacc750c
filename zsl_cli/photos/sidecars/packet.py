"""An XMP packet whose parts are cut out and put in as bytes, all others staying as they are.

A parser that gives a tree and a serializer that writes it would reorder attributes and lose
line breaks in their values. Here each element is known by where it begins and ends, and the edits
are spliced into the bytes that were read.
"""

import codecs
import re
from collections.abc import Callable, Iterator

from zsl_cli.photos.sidecars.elements import ADVICE, RDF, Element, error, name, parse

MAX_BYTES = 16_000_000
"""Larger sidecars are refused; a real one has kilobytes, with a long edit history hundreds."""

Lines = list[tuple[int, str]]
"""XML to put in: each line's depth below its parent, and its text."""

_GAP = 4096  # bytes of white space before a tag that are looked at
_TAG = re.compile(rb"<([^\s/>]++)")
_ATTRIBUTE = re.compile(rb"""\s++([^\s=/>]++)\s*+=\s*+(?:"[^"]*+"|'[^']*+')""")
_DECLARED = re.compile(rb"""<\?xml\s[^>]*?\bencoding\s*+=\s*+["']([\w.:-]{1,40})["']""")
_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"), (codecs.BOM_UTF8, "utf-8"))
_ENCODINGS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "ascii": "ascii",
              "iso-8859-1": "latin-1", "latin1": "latin-1", "latin-1": "latin-1",
              "iso-8859-15": "iso-8859-15", "windows-1252": "cp1252"}
_BLANK = b"\0 \t\r\n" + codecs.BOM_UTF8 + codecs.BOM_UTF16
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """Text on one line, each character that XML 1.0 does not allow replaced by U+FFFD."""
    return " ".join(_NOT_XML.sub("\ufffd", text).split())


def escape(text: str) -> str:
    """Text as it stands in XML, in an element or between double quotes."""
    return (text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            .replace('"', "&quot;"))


def is_blank(data: bytes) -> bool:
    """Whether there is nothing in a file that could be lost: what a full disk or a crash leaves."""
    return len(data) <= MAX_BYTES and not data.strip(_BLANK)


def encoding_of(data: bytes) -> str:
    """What a packet's bytes are read with; a byte order mark is more than what it says.

    Raises ImageError of kind ``sidecar`` for an encoding that is not known.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    declared = _DECLARED.match(data)
    if declared is None:
        return "utf-8"
    said = declared[1].decode("ascii", "replace")
    if said.lower().startswith(("utf-16", "utf-32")):
        raise error(f"it claims to be {said.upper()} and is not; {ADVICE}")
    if said.lower() not in _ENCODINGS:
        raise error(f"its encoding, {said}, is none that is known here, such as UTF-8; {ADVICE}")
    return _ENCODINGS[said.lower()]


class Packet:
    """A parsed XMP packet, and the edits that ``edited`` will carry out.

    Raises ImageError of kind ``sidecar`` for bytes that are no XMP packet, or no safe one.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_BYTES:
            raise error(f"its {len(data):,} bytes exceed the limit of {MAX_BYTES:,} bytes; "
                        f"{ADVICE}")
        self._encoding = encoding_of(data)
        try:
            self._data = (data if self._encoding == "utf-8"
                          else data.decode(self._encoding).encode())
        except UnicodeError as reason:
            raise error(f"it claims to be {self._encoding.upper()} and is not; "
                        f"{ADVICE}") from reason
        self.rdf = parse(self._data)
        self.descriptions = [child for child in self.rdf.children
                             if child.name == name(RDF, "Description")]
        self._original = data
        self._edits: list[tuple[int, int, bytes]] = []
        self._added: dict[Element, Lines] = {}
        self._removed: set[Element] = set()
        self._newline = "\r\n" if b"\r\n" in self._data else "\n"

    def properties(self, namespace: str) -> Iterator[Element]:
        """The properties of a namespace that are written as elements."""
        start = name(namespace, "")
        for description in self.descriptions:
            for child in description.children:
                if child.name.startswith(start):
                    yield child

    def attributes(self, namespace: str) -> Iterator[tuple[Element, str, str]]:
        """The properties of a namespace written as attributes: (description, local name, value)."""
        start = name(namespace, "")
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
        tag = _TAG.match(self._data, element.start)
        position = tag.end() if tag else element.inside
        while match := _ATTRIBUTE.match(self._data, position, element.inside):
            position = match.end()
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
        outer, step = self._line_break(parent.start), self._step()
        if parent.children:
            first, place = self._line_break(parent.children[-1].start), parent.children[-1].end
        else:
            first, place = outer and outer + step, parent.inside
        text = "".join(first and first + step * depth + line if first else line
                       for depth, line in lines).encode()
        if parent.end > parent.inside:
            return place, place, text
        tag = _TAG.match(self._data, parent.start)
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
        """Where the white space before a position begins; of very much, not all is looked at."""
        before = self._data[max(0, position - _GAP):position]
        return position - len(before) + len(before.rstrip(b" \t\r\n"))
