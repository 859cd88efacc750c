"""Keywords found by zsl → an XMP packet, among whatever else stands in it.

What zsl added is listed in properties of its own, so that a later run can take back exactly
that. Whatever the user or another program wrote stays as it is, byte for byte, and a keyword of
zsl's that the user took out never comes back.
"""

import hashlib
from collections.abc import Callable, Sequence

from zsl_cli.classifier.predictions import Keyword
from zsl_cli.photos.entry import Provenance
from zsl_cli.photos.sidecars import marks
from zsl_cli.photos.sidecars.elements import ADVICE, RDF, error, name
from zsl_cli.photos.sidecars.keyword_lists import (
    MAX_KEYWORDS,
    PROPERTIES,
    KeywordList,
    KeywordProperty,
    Lists,
    laid_out,
    lists_of_the_user,
    users,
    users_words,
)
from zsl_cli.photos.sidecars.layout import LAYOUT, Layout
from zsl_cli.photos.sidecars.marks import ZSL
from zsl_cli.photos.sidecars.packet import MAX_BYTES, Packet, clean, is_blank

_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"

_NEW = (b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        b' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        b' </rdf:RDF>\n'
        b'</x:xmpmeta>\n'
        b'<?xpacket end="w"?>\n')


def merge(existing: bytes | None, keywords: Sequence[Keyword], provenance: Provenance,
          elsewhere: Callable[[], Lists] = dict, layout: Layout = LAYOUT) -> bytes | None:
    """The packet with these keywords, in place of those of an earlier run.

    ``existing`` itself is returned where nothing is to be done, and None where there is no
    packet and no keyword; one that is blank counts as none. A keyword that the user has himself,
    in whichever list and spelling (see spellings.Words), is not added.

    elsewhere: the keywords that programs find in the photo itself, say, as long as there are none
        in the packet; asked for only where it would hide them.

    Raises ImageError of kind ``sidecar`` for a packet that cannot be parsed safely.
    """
    digest = _digest(keywords, provenance, layout)
    keywords = [keyword for keyword in keywords if clean(keyword.name)]
    is_new = existing is None or is_blank(existing)
    if existing is None or is_new:
        if not keywords:
            return existing
        packet, own = Packet(_NEW), {"created": ["True"]}
    else:
        plain = _plain(existing)
        if digest.encode() in plain or not (keywords or ZSL.encode() in plain):
            return existing
        packet = Packet(existing)
        own = marks.read(packet)
    lists = [KeywordList(packet, kind, own) for kind in PROPERTIES]
    accepted = [keyword for keyword in keywords
                if not any(each.rejects_word(keyword.name) for each in lists)]
    makes = any(each.is_made and (accepted or each.copies) for each in lists)
    words = users(packet, lists, elsewhere if makes else dict)
    if makes and len(words) > MAX_KEYWORDS:  # whose copies would grow past what the next run reads
        raise error(f"{len(words):,} keywords are more than the {MAX_KEYWORDS:,} that it can be "
                    "given copies of; take some out and run zsl again")
    known = users_words(words, lists)
    accepted = [keyword for keyword in accepted if keyword.name not in known]
    if is_new and not accepted:
        return existing
    made: dict[KeywordProperty, Sequence[str]] = {}
    state: dict[str, Sequence[str]] = {}
    for each in lists:
        each.decide(laid_out(layout, accepted, each, known), words)
        made[each.kind] = each.update()
        state |= {each.kind.automatic: each.wanted, each.kind.carried: each.carried,
                  each.kind.rejected: each.rejected}
    if own.get("created") == ["True"]:
        state["created"] = ["True"]
    if any(state.values()):
        state |= {"confidences": [f"{keyword.confidence:.2g} {clean(keyword.name)}"
                                  for keyword in accepted],
                  "model": [provenance.model], "vocabulary": [provenance.vocabulary],
                  "version": [provenance.version], "digest": [digest]}
    marks.write(packet, made, state)
    merged = packet.edited()
    if len(merged) > MAX_BYTES:
        raise error(f"with keywords it would be larger than the limit of {MAX_BYTES:,} bytes; "
                    f"{ADVICE}")
    return merged


def is_marked(data: bytes) -> bool:
    """Whether zsl has ever written into a packet, told without parsing it."""
    return ZSL.encode() in _plain(data)


def without_marks(data: bytes) -> bytes | None:
    """A packet without all that zsl wrote into it: its keywords, its copies of the user's, and its
    own properties. None where zsl made it and there is nothing else in it.

    Raises ImageError as ``merge`` does.
    """
    if is_ours(data):
        return None
    packet = Packet(data)
    own = marks.read(packet)
    for kind in PROPERTIES:
        KeywordList(packet, kind, own).take_back()
    marks.write(packet, {}, {})
    return packet.edited()


def users_keywords(data: bytes) -> dict[str, list[str]]:
    """The user's keywords in a packet, by property.

    Raises ImageError as ``merge`` does.
    """
    if is_blank(data):
        return {}
    packet = Packet(data)
    own = marks.read(packet)
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
    own = marks.read(packet)
    known = {kind.name for kind in PROPERTIES}
    foreign = any(key not in known and not key.startswith(name(ZSL, ""))
                  for description in packet.descriptions
                  for key in (*(child.name for child in description.children),
                              *description.attributes) if key != name(RDF, "about"))
    return (own.get("created") == ["True"] and not foreign
            and all(KeywordList(packet, kind, own).is_made for kind in PROPERTIES))


def _digest(keywords: Sequence[Keyword], provenance: Provenance, layout: Layout) -> str:
    """What tells the result of one run from another's, to the two digits that confidences have. A
    new version of zsl is no reason to touch a library."""
    said = repr(([(k.name, k.path, f"{k.confidence:.2g}") for k in keywords],
                 provenance.model, provenance.vocabulary, layout))
    return "zsl3-" + hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _plain(data: bytes) -> bytes:
    """A packet in which ASCII can be looked for: UTF-16 and UTF-32, too, have its characters, with
    NULs before or behind each."""
    return data.replace(b"\0", b"") if b"\0" in data[:4] else data
