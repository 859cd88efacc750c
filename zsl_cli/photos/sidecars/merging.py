"""Keywords found by zsl → an XMP packet, among whatever else stands in it.

What zsl added is listed in properties of its own, so that a later run can take back exactly
that. Whatever the user or another program wrote stays as it is, byte for byte, and a keyword of
zsl's that the user took out never comes back.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zsl_cli.photos.entry import Provenance
from zsl_cli.photos.sidecars.elements import ADVICE, RDF, Element, error, name
from zsl_cli.photos.sidecars.keyword_lists import (
    PROPERTIES,
    Keyword,
    KeywordList,
    Lists,
    lists_of_the_user,
    users,
)
from zsl_cli.photos.sidecars.packet import MAX_BYTES, Lines, Packet, clean, escape, is_blank

ZSL = "http://ns.zsl-cli.org/label/1.0/"
"""The namespace of zsl's own properties."""

_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"

_NEW = (b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        b' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        b' </rdf:RDF>\n'
        b'</x:xmpmeta>\n'
        b'<?xpacket end="w"?>\n')


def merge(existing: bytes | None, keywords: Sequence[Keyword], provenance: Provenance,
          elsewhere: Callable[[], Lists] = dict) -> bytes | None:
    """The packet with these keywords, in place of those of an earlier run.

    ``existing`` itself is returned where nothing is to be done, and None where there is no
    packet and no keyword; one that is blank counts as none. Names are compared without regard to
    case, so that ``cat`` is not added beside the user's ``Cat``.

    elsewhere: the keywords that programs find in the photo itself, say, as long as there are none
        in the packet; asked for only where it would hide them.

    Raises ImageError of kind ``sidecar`` for a packet that cannot be parsed safely.
    """
    digest = _digest(keywords, provenance)
    keywords = [keyword for keyword in keywords if clean(keyword.name)]
    if existing is None or is_blank(existing):
        if not keywords:
            return existing
        packet, own = Packet(_NEW), {"created": ["True"]}
    else:
        # UTF-16 and UTF-32, too, have these characters, with NULs before or behind each.
        plain = existing.replace(b"\0", b"") if b"\0" in existing[:4] else existing
        if digest.encode() in plain or not (keywords or ZSL.encode() in plain):
            return existing
        packet = Packet(existing)
        own = _own(packet)
    lists = [KeywordList(packet, kind, own) for kind in PROPERTIES]
    accepted = [keyword for keyword in keywords
                if not any(each.rejects(each.kind.value(keyword)) for each in lists)]
    makes = any(each.is_made and (accepted or each.has_copies) for each in lists)
    words = users(packet, lists, elsewhere) if makes else []
    chunks: list[_Chunk] = []
    state: dict[str, Sequence[str]] = {}
    for each in lists:
        each.decide(accepted, words)
        if added := each.update():
            chunks.append(_Chunk(each.kind.namespace, each.kind.prefix, each.kind.local,
                                 each.kind.container, added))
        state |= {each.kind.automatic: each.wanted, each.kind.carried: each.carried,
                  each.kind.rejected: each.rejected}
    if own.get("created") == ["True"]:
        state["created"] = ["True"]
    if any(state.values()):
        state |= {"scores": [f"{keyword.score:.2g} {clean(keyword.name)}" for keyword in accepted],
                  "model": [provenance.model], "vocabulary": [provenance.vocabulary],
                  "version": [provenance.version], "digest": [digest]}
    _write(packet, chunks, [_Chunk(ZSL, "zsl", local, _OWN[local], [clean(v) for v in state[local]])
                            for local in _OWN if state.get(local)])
    merged = packet.edited()
    if len(merged) > MAX_BYTES:
        raise error(f"with keywords it would be larger than the limit of {MAX_BYTES:,} bytes; "
                    f"{ADVICE}")
    return merged


def users_keywords(data: bytes) -> dict[str, list[str]]:
    """The user's keywords in a packet, by property.

    Raises ImageError as ``merge`` does.
    """
    if is_blank(data):
        return {}
    packet = Packet(data)
    own = _own(packet)
    return lists_of_the_user(packet, [KeywordList(packet, kind, own) for kind in PROPERTIES])


def belongs_to(data: bytes) -> str:
    """The extension of the file that a packet says it is of; empty where it says nothing.

    Raises ImageError as ``merge`` does.
    """
    if b"SidecarForExtension" not in data.replace(b"\0", b""):
        return ""
    packet = Packet(data)
    said = [value for _, local, value in packet.attributes(_PHOTOSHOP)
            if local == "SidecarForExtension"]
    said += [element.text for element in packet.properties(_PHOTOSHOP)
             if element.local == "SidecarForExtension"]
    return next((clean(value).lstrip(".") for value in said), "")


def is_ours(data: bytes) -> bool:
    """Whether zsl made this packet and nothing of anyone else's has come into it since.

    Raises ImageError as ``merge`` does.
    """
    if is_blank(data):
        return True
    packet = Packet(data)
    own = _own(packet)
    known = {kind.name for kind in PROPERTIES}
    foreign = any(key not in known and not key.startswith(name(ZSL, ""))
                  for description in packet.descriptions
                  for key in (*(child.name for child in description.children),
                              *description.attributes) if key != name(RDF, "about"))
    return (own.get("created") == ["True"] and not foreign
            and all(KeywordList(packet, kind, own).is_made for kind in PROPERTIES))


# zsl's own properties in the order they are written: the container of those that are lists.
_OWN = {"automatic": "Bag", "automaticHierarchy": "Bag", "automaticTags": "Bag",
        "carried": "Bag", "carriedHierarchy": "Bag", "carriedTags": "Bag",
        "rejected": "Bag", "rejectedHierarchy": "Bag", "rejectedTags": "Bag", "scores": "Seq",
        "model": "", "vocabulary": "", "version": "", "created": "", "digest": ""}


def _digest(keywords: Sequence[Keyword], provenance: Provenance) -> str:
    """What tells the result of one run from another's, to the two digits that scores have. A new
    version of zsl is no reason to touch a library."""
    said = repr(([(k.name, k.path, f"{k.score:.2g}") for k in keywords],
                 provenance.model, provenance.vocabulary))
    return "zsl2-" + hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _own(packet: Packet) -> dict[str, list[str]]:
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
