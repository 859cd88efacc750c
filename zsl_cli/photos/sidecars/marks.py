"""zsl's own properties in a packet, the marks of what it wrote: read, written and cut out.

They say which keywords are zsl's and which are copies of the user's, so that exactly these can be
taken back, and what he took out, so that it never comes back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zsl_cli.photos.sidecars.elements import RDF, Element, name
from zsl_cli.photos.sidecars.keyword_lists import KeywordProperty
from zsl_cli.photos.sidecars.packet import Lines, Packet, clean, escape

ZSL = "http://ns.zsl-cli.org/label/1.0/"
"""The namespace of zsl's own properties."""

# zsl's own properties in the order they are written: the container of those that are lists.
_CONTAINERS = {
    "automatic": "Bag", "automaticHierarchy": "Bag", "automaticTags": "Bag",
    "carried": "Bag", "carriedHierarchy": "Bag", "carriedTags": "Bag",
    "rejected": "Bag", "rejectedHierarchy": "Bag", "rejectedTags": "Bag", "confidences": "Seq",
    "model": "", "vocabulary": "", "version": "", "created": "", "digest": ""}


def read(packet: Packet) -> dict[str, list[str]]:
    """The values of zsl's own properties, by local name."""
    values = {local: [value] for _, local, value in packet.attributes(ZSL)}
    for element in packet.properties(ZSL):
        items = element.container.items if element.container else [element]
        values[element.local] = [item.text for item in items]
    return values


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


def write(packet: Packet, made: Mapping[KeywordProperty, Sequence[str]],
          state: Mapping[str, Sequence[str]]) -> None:
    """Put in keyword lists that are new, and ``state`` in place of what ``read`` finds, which is
    cut out; empty values are not written.

    New lists go to the first rdf:Description. zsl's own properties go where they stood, or else
    to a description of their own, so that they can be cut out again whole.
    """
    chunks = [_Chunk(kind.namespace, kind.prefix, kind.local, kind.container, values)
              for kind, values in made.items() if values]
    own = [_Chunk(ZSL, "zsl", local, container, [clean(value) for value in state[local]])
           for local, container in _CONTAINERS.items() if state.get(local)]
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
