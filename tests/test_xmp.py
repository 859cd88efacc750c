"""XMP sidecars: merging keywords into a packet, which file it is, and writing it safely."""

import errno
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zsl_cli import files
from zsl_cli.errors import ImageError
from zsl_cli.labeling import packet, sidecars
from zsl_cli.labeling.entry import Made
from zsl_cli.labeling.sidecars import Change, Naming, Sidecars, apply
from zsl_cli.labeling.xmp import ZSL, Keyword, is_ours, merge

MADE = Made(model="default", vocabulary="wordnet", version="1.0")
TABBY = Keyword("tabby", ("animal", "feline", "cat", "tabby"), 0.8734)
SOFA = Keyword("sofa", ("artifact", "furniture", "sofa"), 0.41)
LAMP = Keyword("lamp", ("artifact", "lamp"), 0.2)

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
SUBJECT = "{http://purl.org/dc/elements/1.1/}subject"
HIERARCHY = "{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject"
TAGS = "{http://www.digikam.org/ns/1.0/}TagsList"
AUTOMATIC = f"{{{ZSL}}}automatic"

DARKTABLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:darktable="http://darktable.sf.net/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
   exif:DateTimeOriginal="2023:08:12 10:11:12.345"
   xmp:Rating="3"
   darktable:xmp_version="5"
   darktable:auto_presets_applied="1">
   <darktable:history>
    <rdf:Seq>
     <rdf:li
      darktable:num="0"
      darktable:operation="exposure"
      darktable:params="gz03eJxjYGBgYA=="/>
    </rdf:Seq>
   </darktable:history>
   <dc:subject>
    <rdf:Seq>
     <rdf:li>Holiday</rdf:li>
     <rdf:li>Sofa</rdf:li>
    </rdf:Seq>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Seq>
     <rdf:li>places|Holiday</rdf:li>
    </rdf:Seq>
   </lr:hierarchicalSubject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""
DIGIKAM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:digiKam="http://www.digikam.org/ns/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:acdsee="http://ns.acdsee.com/iptc/1.0/"
   digiKam:PickLabel="0"
   acdsee:categories="&lt;Category Assigned=&quot;1&quot;&gt;Oma&#xA;&lt;/Category&gt;">
   <digiKam:TagsList>
    <rdf:Seq>
     <rdf:li>People/Oma &amp; Opa</rdf:li>
    </rdf:Seq>
   </digiKam:TagsList>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>Oma &amp; Opa</rdf:li>
    </rdf:Bag>
   </dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".encode()
# Several descriptions with a uuid, an unusual prefix, comments, CDATA, padding, Windows line ends.
ADOBE = """<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>
<!-- kept -->
<x:xapmeta xmlns:x='adobe:ns:meta/' x:xaptk='XMP toolkit 2.8.2-33, framework 1.5'>
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:iX='http://ns.adobe.com/iX/1.0/'>

  <rdf:Description rdf:about='uuid:9bd7a0c1-1' xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/'
    photoshop:City='>Ulm"' photoshop:Urgency = "1"></rdf:Description>

  <rdf:Description rdf:about='uuid:9bd7a0c1-1' xmlns:kw='http://purl.org/dc/elements/1.1/'>
    <kw:subject>
      <rdf:Bag>
        <!-- by hand --><rdf:li><![CDATA[Müller & Söhne]]></rdf:li>
        <rdf:li>Ulm</rdf:li>
      </rdf:Bag>
    </kw:subject>
  </rdf:Description>

</rdf:RDF>
</x:xapmeta>
%s
<?xpacket end='w'?>""".replace("%s", (" " * 99 + "\n") * 20).replace("\n", "\r\n").encode()

REAL = {"darktable": DARKTABLE, "digikam": DIGIKAM, "adobe": ADOBE}
real = pytest.mark.parametrize("existing", REAL.values(), ids=REAL.keys())


def values(data: bytes, tag: str) -> list[str]:
    """A property's values as another XML parser reads them, from lists and plain properties."""
    found = []
    for element in ET.fromstring(data).iter(tag):
        items = [item.text or "" for item in element.iter(f"{RDF}li")]
        found += items or [element.text or ""]
    return found


def wrapped(inside: str, attributes: str = "") -> bytes:
    """A packet of one description."""
    return (f'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n <rdf:RDF xmlns:rdf="{RDF[1:-1]}">\n'
            f'  <rdf:Description rdf:about="" xmlns:dc="{SUBJECT[1:-8]}"{attributes}>'
            f'{inside}\n  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n').encode()


def subjects(names: list[str]) -> str:
    items = "".join(f"\n     <rdf:li>{escape(name)}</rdf:li>" for name in names)
    return f"\n   <dc:subject>\n    <rdf:Bag>{items}\n    </rdf:Bag>\n   </dc:subject>"


def without(data: bytes, *texts: str) -> bytes:
    """The packet as a program writes it whose user took keywords out of dc:subject."""
    start, end = data.index(b"<dc:subject"), data.index(b"</dc:subject>")
    part = data[start:end]
    for text in texts:
        assert f"<rdf:li>{text}</rdf:li>".encode() in part
        part = part.replace(f"<rdf:li>{text}</rdf:li>".encode(), b"")
    return data[:start] + part + data[end:]


# --- a new packet


def test_a_new_packet_holds_the_keywords_in_all_three_properties():
    data = merge(None, [TABBY, SOFA], MADE)
    assert values(data, SUBJECT) == ["tabby", "sofa"]
    assert values(data, HIERARCHY) == ["animal|feline|cat|tabby", "artifact|furniture|sofa"]
    assert values(data, TAGS) == ["animal/feline/cat/tabby", "artifact/furniture/sofa"]
    assert values(data, AUTOMATIC) == ["tabby", "sofa"]
    assert values(data, f"{{{ZSL}}}scores") == ["0.87 tabby", "0.41 sofa"]
    for local in ("model", "vocabulary", "version"):
        assert values(data, f"{{{ZSL}}}{local}") == [getattr(MADE, local)]


def test_a_new_packet_is_complete_and_indented():
    lines = merge(None, [TABBY], MADE).decode().splitlines()
    assert lines[0] == '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    assert lines[-1] == '<?xpacket end="w"?>'
    assert lines[3].startswith('  <rdf:Description rdf:about=""')
    assert "     <rdf:li>tabby</rdf:li>" in lines
    assert lines[-4:-1] == ["  </rdf:Description>", " </rdf:RDF>", "</x:xmpmeta>"]


def test_no_keyword_makes_no_packet():
    assert merge(None, [], MADE) is None
    assert merge(None, [Keyword(" \n", (" ",), 1.0)], MADE) is None


def test_without_keywords_a_packet_that_zsl_never_touched_is_not_even_parsed():
    assert merge(b"<broken", [], MADE) == b"<broken"


def test_separators_within_a_level_do_not_make_a_level():
    data = merge(None, [Keyword("AC/DC|x", ("rock/pop", "AC/DC|x"), 0.5)], MADE)
    assert values(data, SUBJECT) == ["AC/DC|x"]
    assert values(data, HIERARCHY) == ["rock/pop|AC/DC-x"]
    assert values(data, TAGS) == ["rock-pop/AC-DC|x"]


def test_a_label_in_no_tree_is_its_own_path():
    data = merge(None, [Keyword("oddity", (), 0.5)], MADE)
    assert values(data, HIERARCHY) == values(data, TAGS) == ["oddity"]


@pytest.mark.parametrize(("name", "written"), [
    ("a\x00b\x1b", "a\ufffdb\ufffd"), ("\ud800x\udcff", "\ufffdx\ufffd"), ("a\ufffe", "a\ufffd"),
    ("  two\r\nlines\t", "two lines"), ("<&>\"']]>", "<&>\"']]>"), ("日本 🐈", "日本 🐈"),
])
def test_any_name_makes_well_formed_xml(name, written):
    data = merge(None, [Keyword(name, ("root", name), 0.5)], Made(name, name, name))
    assert values(data, SUBJECT) == [written]
    assert values(data, HIERARCHY) == [f"root|{written}"]
    assert merge(data, [Keyword(name, ("root", name), 0.5)], Made(name, name, name)) == data


def test_two_labels_of_one_name_are_one_subject_and_two_places_in_the_tree():
    bird = Keyword("crane", ("bird", "crane"), 0.5)
    machine = Keyword("crane", ("lift", "crane"), 0.4)
    data = merge(None, [bird, machine], MADE)
    assert values(data, SUBJECT) == ["crane"]
    assert values(data, HIERARCHY) == ["bird|crane", "lift|crane"]
    data = merge(data, [machine], MADE)
    assert (values(data, SUBJECT), values(data, HIERARCHY)) == (["crane"], ["lift|crane"])


# --- what is there already


@real
def test_everything_but_the_insertions_stays_byte_for_byte(existing):
    merged = merge(existing, [TABBY, LAMP], MADE)
    position = 0
    for piece in re.split(rb"(?=</)|\n", existing):  # each in its order; nothing was rewritten
        position = merged.index(piece, position) + len(piece)
    assert {"tabby", "lamp"} < set(values(merged, SUBJECT))
    assert values(merged, TAGS)[-1] == "artifact/lamp"


@real
def test_removing_the_keywords_gives_back_the_very_bytes(existing):
    merged = merge(existing, [TABBY, LAMP], MADE)
    merged = merge(merged, [SOFA, LAMP], MADE)
    assert merge(merged, [], MADE) == existing


@real
def test_merging_again_changes_nothing(existing):
    merged = merge(existing, [TABBY, SOFA], MADE)
    assert merge(merged, [TABBY, SOFA], MADE) is merged
    elsewhere = merge(merged, [TABBY, SOFA], Made("other", "v", "2"))
    assert merge(elsewhere, [TABBY, SOFA], MADE) == merged  # without the digest's help


def test_line_ends_and_indentation_are_those_of_the_file():
    merged = merge(ADOBE, [TABBY], MADE)
    assert merged.count(b"\n") == merged.count(b"\r\n")
    assert b"\r\n        <rdf:li>Ulm</rdf:li>\r\n        <rdf:li>tabby</rdf:li>\r\n" in merged


def test_the_container_and_the_prefix_that_are_there_are_used():
    merged = merge(DARKTABLE, [TABBY], MADE)
    assert merged.count(b"<rdf:Seq>") == DARKTABLE.count(b"<rdf:Seq>") + 2  # TagsList, zsl:scores
    assert values(merged, SUBJECT) == ["Holiday", "Sofa", "tabby"]
    assert merge(ADOBE, [TABBY], MADE).count(b"<kw:subject>") == 1
    assert b"<dc:subject" not in merge(ADOBE, [TABBY], MADE)


def test_a_new_property_goes_to_a_description_that_is_there():
    merged = ET.fromstring(merge(DIGIKAM, [TABBY], MADE))
    first = merged.find(f".//{RDF}Description")
    assert first.find(HIERARCHY) is not None
    uuid = {d.get(f"{RDF}about") for d in
            ET.fromstring(merge(ADOBE, [TABBY], MADE)).iter(f"{RDF}Description")}
    assert uuid == {"uuid:9bd7a0c1-1"}


@pytest.mark.parametrize("inside", [
    f'<rdf:RDF xmlns:rdf="{RDF[1:-1]}"/>',
    f'<rdf:RDF xmlns:rdf="{RDF[1:-1]}"><rdf:Description rdf:about=""/></rdf:RDF>',
    f'<r:RDF xmlns:r="{RDF[1:-1]}"><r:Description r:about="" xmlns:dc="{SUBJECT[1:-8]}">'
    "<dc:subject><r:Alt/></dc:subject></r:Description></r:RDF>",
    f'<RDF xmlns="{RDF[1:-1]}"><Description about=""></Description></RDF>',
    f'<dc:RDF xmlns:dc="{RDF[1:-1]}"><dc:Description dc:about=""/></dc:RDF>',
    f'<rdf:RDF xmlns:rdf="{RDF[1:-1]}" xmlns:zsl="urn:other"><rdf:Description zsl:model="theirs"/>'
    "</rdf:RDF>",
], ids=["empty", "self-closing", "other-prefix", "default-namespace", "prefix-taken", "zsl-taken"])
def test_unusual_but_valid_forms(inside):
    existing = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{inside}</x:xmpmeta>".encode()
    merged = merge(existing, [TABBY], MADE)
    assert values(merged, SUBJECT) == ["tabby"]
    assert values(merged, TAGS) == ["animal/feline/cat/tabby"]
    assert values(merged, AUTOMATIC) == ["tabby"]
    changed = merge(merged, [SOFA, LAMP], MADE)
    assert values(changed, SUBJECT) == ["sofa", "lamp"]
    assert values(changed, AUTOMATIC) == ["sofa", "lamp"]
    assert b"theirs" not in existing or b'zsl:model="theirs"' in changed
    last = list(ET.fromstring(changed).iter(f"{RDF}Description"))[-1]
    assert b"about" not in existing or f"{RDF}about" in last.keys()  # noqa: SIM118
    removed = merge(changed, [], MADE)
    assert (values(removed, SUBJECT), values(removed, AUTOMATIC)) == ([], [])
    assert values(merge(removed, [TABBY], MADE), HIERARCHY) == ["animal|feline|cat|tabby"]


@pytest.mark.parametrize("existing", [
    wrapped("\n   <xmp:Rating>3</xmp:Rating>", ' xmlns:xmp="urn:x" dc:subject="Mine"'),
    wrapped("\n   <dc:subject>Mine</dc:subject>"),
    wrapped('\n   <dc:subject><rdf:Bag><rdf:li rdf:parseType="Resource"><rdf:value>Mine</rdf:value>'
            "</rdf:li></rdf:Bag></dc:subject>"),
], ids=["attribute", "no-container", "qualified"])
def test_a_keyword_in_a_shortened_form_is_kept_and_the_property_not_doubled(existing):
    merged = merge(existing, [Keyword("mine", (), 0.9), TABBY], MADE)
    elements = list(ET.fromstring(merged).iter(SUBJECT))
    assert len(elements) == 1
    assert [text.strip() for text in elements[0].itertext() if text.strip()] == ["Mine", "tabby"]
    assert b'dc:subject="' not in merged
    removed = ET.fromstring(merge(merged, [], MADE)).iter(SUBJECT)
    assert ["".join(e.itertext()).strip() for e in removed] == ["Mine"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-le", "utf-16-be", "latin-1"])
def test_the_encoding_is_kept(encoding):
    text = DARKTABLE.decode().replace("Holiday", "Süd")
    if encoding == "latin-1":
        text = text.replace('"UTF-8"', '"ISO-8859-1"')
    elif encoding.startswith("utf-16"):
        text = "\ufeff" + text.replace('"UTF-8"', '"UTF-16"')
    existing = text.encode(encoding)
    keywords = [Keyword("naïf", ("日本", "naïf"), 0.5)]
    merged = merge(existing, keywords, MADE)
    assert merged[:2] == existing[:2]
    assert values(merged, SUBJECT) == ["Süd", "Sofa", "naïf"]
    assert values(merged, HIERARCHY)[-1] == "日本|naïf"
    assert merge(merged, keywords, MADE) is merged
    assert merge(merged, [], MADE) == existing


# --- automatic keywords and the user's


def test_keywords_no_longer_found_go_and_new_ones_come():
    merged = merge(merge(DARKTABLE, [TABBY, LAMP], MADE), [LAMP, Keyword("rug", (), 0.3)], MADE)
    assert values(merged, SUBJECT) == ["Holiday", "Sofa", "lamp", "rug"]
    assert values(merged, HIERARCHY) == ["places|Holiday", "artifact|lamp", "rug"]
    assert values(merged, AUTOMATIC) == ["lamp", "rug"]


def test_a_keyword_of_the_user_is_neither_doubled_nor_claimed_nor_removed():
    merged = merge(DARKTABLE, [SOFA], MADE)  # the user has "Sofa"
    assert values(merged, SUBJECT) == ["Holiday", "Sofa"]
    assert values(merged, AUTOMATIC) == []
    assert values(merged, HIERARCHY) == ["places|Holiday", "artifact|furniture|sofa"]
    assert values(merge(merged, [TABBY], MADE), SUBJECT) == ["Holiday", "Sofa", "tabby"]


@pytest.mark.parametrize("added", ["tabby", "Tabby"])
def test_a_keyword_that_the_user_adds_beside_the_automatic_one_becomes_his(added):
    merged = merge(DARKTABLE, [TABBY], MADE)
    merged = merged.replace(b"<rdf:li>Sofa", f"<rdf:li>{added}</rdf:li><rdf:li>Sofa".encode())
    merged = merge(merged, [TABBY, LAMP], MADE)
    assert values(merged, SUBJECT) == ["Holiday", added, "Sofa", "lamp"]
    assert values(merged, AUTOMATIC) == ["lamp"]
    assert values(merge(merged, [], MADE), SUBJECT) == ["Holiday", added, "Sofa"]


def test_an_automatic_keyword_whose_case_the_user_changed_is_his():
    merged = merge(DARKTABLE, [TABBY], MADE).replace(b"<rdf:li>tabby<", b"<rdf:li>TABBY<", 1)
    merged = merge(merged, [LAMP], MADE)
    assert values(merged, SUBJECT) == ["Holiday", "Sofa", "TABBY", "lamp"]
    assert b"rejected" not in merged


def test_a_keyword_that_the_user_took_out_never_comes_back():
    edited = without(merge(DARKTABLE, [TABBY, LAMP], MADE), "tabby")
    assert merge(edited, [TABBY, LAMP], MADE) == edited
    for keywords in ([LAMP], [TABBY, SOFA], [], [TABBY], [TABBY, LAMP]):
        edited = merge(edited, keywords, MADE)
        assert "tabby" not in values(edited, SUBJECT)
        assert not any("tabby" in tag for tag in values(edited, TAGS) + values(edited, HIERARCHY))
        assert values(edited, f"{{{ZSL}}}rejected") == ["tabby"]
    assert values(edited, SUBJECT) == ["Holiday", "Sofa", "lamp"]


def test_all_keywords_taken_out_stay_out():
    edited = without(merge(None, [TABBY], MADE), "tabby")
    assert values(merge(edited, [TABBY, SOFA], MADE), SUBJECT) == ["sofa"]


def test_a_place_in_the_tree_that_was_taken_out_takes_its_keyword_along():
    merged = merge(DARKTABLE, [TABBY, LAMP], MADE)
    edited = merged.replace(b"<rdf:li>artifact|lamp</rdf:li>", b"", 1)
    edited = merge(edited, [TABBY, LAMP, SOFA], MADE)
    assert values(edited, SUBJECT) == ["Holiday", "Sofa", "tabby"]
    assert "lamp" not in "".join(values(merge(edited, [LAMP], MADE), TAGS))


def test_a_property_that_another_program_dropped_rejects_nothing():
    merged = merge(DARKTABLE, [TABBY], MADE)
    start, end = merged.index(b"<digiKam:TagsList"), merged.index(b"</digiKam:TagsList>")
    dropped = merged[:start] + merged[end + len(b"</digiKam:TagsList>"):]
    assert values(merge(dropped, [TABBY, LAMP], MADE), SUBJECT) == [
        "Holiday", "Sofa", "tabby", "lamp"]


def test_own_properties_are_understood_after_another_program_rewrote_them():
    """Exiv2 writes simple properties as attributes and joins the descriptions."""
    rewritten = wrapped(subjects(["Mine", "tabby", "gone"]) + f"""
   <z:automatic xmlns:z="{ZSL}">
    <rdf:Bag>
     <rdf:li>tabby</rdf:li>
     <rdf:li>gone</rdf:li>
    </rdf:Bag>
   </z:automatic>""", f' xmlns:y="{ZSL}"\n   y:model="old" y:digest="zsl1-0" y:created="True"')
    merged = merge(rewritten, [TABBY], MADE)
    assert values(merged, SUBJECT) == ["Mine", "tabby"]
    assert values(merged, f"{{{ZSL}}}model") == ["default"]
    assert values(merged, f"{{{ZSL}}}created") == ["True"]
    assert b'"old"' not in merged
    assert merged.count(b"<rdf:Description") == 1


words = st.text(st.characters(categories=("L", "N", "P", "S", "M")), min_size=1, max_size=4)
few = st.sampled_from(["cat", "Cat", "CAT", "dog", "straße", "STRASSE", "é", "e\u0301"])
users = st.lists(few | words, max_size=5)
found = st.lists(st.builds(Keyword, name=few | words | st.text(max_size=4),
                           path=st.lists(few | st.text(max_size=3), max_size=3).map(tuple),
                           score=st.floats(0, 1)), max_size=5)


@given(users, st.lists(found, max_size=4))
def test_whatever_is_found_the_users_keywords_survive(names, runs):
    original = wrapped(subjects(names) if names else "")
    data = original
    for keywords in runs:
        data = merge(data, keywords, MADE)
        assert merge(data, keywords, MADE) == data
        other = merge(data, keywords, Made("another", "v", "1"))
        assert merge(other, keywords, MADE) == data
        kept, automatic = values(data, SUBJECT), values(data, AUTOMATIC)
        assert kept[:len(names)] == names
        assert sorted(kept[len(names):]) == sorted(automatic)
        assert not {name.casefold() for name in names} & {name.casefold() for name in automatic}
    assert merge(data, [], MADE) == original


@given(found, found, st.data())
def test_what_is_taken_out_by_hand_stays_out(first, second, data):
    merged = merge(wrapped(subjects(["mine"])), first, MADE)
    here = values(merged, AUTOMATIC) if merged else []
    if not here:
        return
    taken = data.draw(st.sampled_from(here))
    edited = without(merged, escape(taken).replace('"', "&quot;"))
    for keywords in (second, first):
        edited = merge(edited, keywords, MADE)
        if edited != without(merged, escape(taken).replace('"', "&quot;")):
            assert taken in values(edited, f"{{{ZSL}}}rejected")
        assert taken.casefold() not in {name.casefold() for name in values(edited, SUBJECT)}


# --- what is refused


@pytest.mark.parametrize(("data", "message"), [
    (b"", "not well-formed XML"),
    (DARKTABLE[:-20], "not well-formed XML"),
    (DARKTABLE.replace(b"Holiday", b"\xff\xfe"), "not well-formed XML"),
    (DARKTABLE.replace(b"Holiday", b"&bomb;"), "not well-formed XML"),
    (b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + ADOBE, "DOCTYPE"),
    (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "DOCTYPE"),
    (b"<html><body/></html>", "rdf:RDF"),
    (b'<?xml version="1.0" encoding="rot13"?><a/>', "encoding"),
    ("\ufeff<a>".encode("utf-16-le") + b"\0", "UTF-16"),
    (b" " * (packet.MAX_BYTES + 1), "exceed the limit"),
    (wrapped("<dc:subject><rdf:Description/></dc:subject>"), "subject is no list"),
], ids=["empty", "cut", "not-utf8", "entity", "bomb", "external", "html", "encoding", "half",
        "large", "no-list"])
def test_what_cannot_be_merged_into_is_refused_with_the_remedy(data, message):
    with pytest.raises(ImageError, match=message) as refused:
        merge(data, [TABBY], MADE)
    assert refused.value.kind == "sidecar"
    assert "move it away" in str(refused.value)


def test_deep_nesting_does_not_exhaust_the_stack():
    deep = wrapped("<dc:a>" * 50_000 + "</dc:a>" * 50_000)
    assert b"<rdf:li>tabby</rdf:li>" in merge(deep, [TABBY], MADE)


# --- which file


def touched(folder, *names: str) -> str:
    for name in names:
        (folder / name).touch()
    return str(folder / "photo.jpg")


@pytest.mark.parametrize(("naming", "there", "chosen"), [
    (Naming.FULL, ["photo.xmp"], ["photo.jpg.xmp"]),
    (Naming.STEM, ["photo.jpg.xmp"], ["photo.xmp"]),
    (Naming.AUTO, [], ["photo.jpg.xmp"]),
    (Naming.AUTO, ["photo.xmp"], ["photo.xmp"]),
    (Naming.AUTO, ["photo.jpg.xmp"], ["photo.jpg.xmp"]),
    (Naming.AUTO, ["photo.xmp", "photo.jpg.xmp"], ["photo.jpg.xmp", "photo.xmp"]),
    (Naming.AUTO, ["photo.xmp", "photo.CR2"], ["photo.jpg.xmp"]),
    (Naming.AUTO, ["photo.xmp", "photo.png", "photo.jpg.xmp"], ["photo.jpg.xmp"]),
    (Naming.AUTO, ["photo.xmp", "photo.txt", "photo2.cr2"], ["photo.xmp"]),
    (Naming.STEM, ["photo.txt", "photo.b.jpg"], ["photo.xmp"]),
])
def test_the_sidecars_name(tmp_path, naming, there, chosen):
    photo = touched(tmp_path, "photo.jpg", *there)
    assert [os.path.basename(path) for path in Sidecars(naming).paths(photo)] == chosen


def test_a_shared_stem_is_refused_by_name(tmp_path):
    photo = touched(tmp_path, "photo.jpg", "photo.cr3")
    with pytest.raises(ImageError, match=r"photo\.cr3, too: use the full naming, photo\.jpg\.xmp"):
        Sidecars(Naming.STEM).paths(photo)


def test_a_photo_in_the_working_folder(tmp_path, monkeypatch):
    touched(tmp_path, "photo.jpg")
    monkeypatch.chdir(tmp_path)
    [change] = Sidecars(Naming.STEM).plan("photo.jpg", [TABBY], MADE)
    apply(change)
    assert values((tmp_path / "photo.xmp").read_bytes(), SUBJECT) == ["tabby"]


# --- plan, diff, apply


def planned(photo, keywords, naming=Naming.AUTO):
    return Sidecars(naming).plan(str(photo), keywords, MADE)


def test_a_plan_writes_nothing_and_ends_when_all_is_said(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    [change] = planned(photo, [TABBY])
    assert os.listdir(tmp_path) == ["photo.jpg"]
    apply(change)
    assert sorted(os.listdir(tmp_path)) == ["photo.jpg", "photo.jpg.xmp"]
    assert planned(photo, [TABBY]) == []
    assert planned(photo, [TABBY, SOFA]) != []


def test_no_keyword_and_no_sidecar_is_no_change(tmp_path):
    assert planned(touched(tmp_path, "photo.jpg"), []) == []


def test_both_sidecars_are_updated(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    for name in ("photo.jpg.xmp", "photo.xmp"):
        (tmp_path / name).write_bytes(DARKTABLE)
    for change in planned(photo, [TABBY]):
        apply(change)
    for name in ("photo.jpg.xmp", "photo.xmp"):
        assert "tabby" in values((tmp_path / name).read_bytes(), SUBJECT)


def test_the_diff_shows_the_lines(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    [change] = planned(photo, [TABBY])
    lines = change.diff()
    assert lines[:2] == [f"--- {os.devnull}", f"+++ {photo}.xmp"]
    assert "+     <rdf:li>tabby</rdf:li>" in lines
    wide = "\ufeff".encode("utf-16-le") + DARKTABLE.decode().replace("UTF-8", "UTF-16").encode(
        "utf-16-le")
    lines = Change("a.xmp", wide, merge(wide, [TABBY], MADE)).diff()
    assert [line for line in lines if line.startswith("+")][:2] == [
        "+++ a.xmp", "+     <rdf:li>tabby</rdf:li>"]
    assert not [line for line in lines[2:] if line.startswith("-")]


def test_a_backup_is_made_once_of_what_was_there_before_zsl(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    sidecar, backup = tmp_path / "photo.jpg.xmp", tmp_path / "photo.jpg.xmp.zsl-backup"
    sidecar.write_bytes(DARKTABLE)
    for keywords in ([TABBY], [LAMP], []):
        apply(*planned(photo, keywords))
        assert backup.read_bytes() == DARKTABLE
    assert sidecar.read_bytes() == DARKTABLE


def test_a_sidecar_that_zsl_made_is_backed_up_only_once_it_holds_anothers_work(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    sidecar, backup = tmp_path / "photo.jpg.xmp", tmp_path / "photo.jpg.xmp.zsl-backup"
    for keywords in ([TABBY], [LAMP, SOFA], [], [TABBY]):
        apply(*planned(photo, keywords))
        assert is_ours(sidecar.read_bytes())
    assert not backup.exists()
    edited = sidecar.read_bytes()
    edited = edited.replace(b"<rdf:li>tabby", b"<rdf:li>Mine</rdf:li><rdf:li>tabby", 1)
    sidecar.write_bytes(edited)
    apply(*planned(photo, [SOFA]))
    assert backup.read_bytes() == edited


@pytest.mark.parametrize("rating", [' xmp:Rating="4">', "><xmp:Rating>4</xmp:Rating>"])
def test_a_property_of_another_program_makes_a_sidecar_not_only_ours(rating):
    data = merge(None, [TABBY], MADE)
    start = f' xmlns:zsl="{ZSL}">'.encode()
    assert is_ours(data)
    assert not is_ours(data.replace(
        start, start[:-1] + f' xmlns:xmp="http://ns.adobe.com/xap/1.0/"{rating}'.encode()))


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_the_mode_is_kept_and_a_new_file_has_the_umasks(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    old = os.umask(0o027)
    try:
        apply(*planned(photo, [TABBY]))
    finally:
        os.umask(old)
    sidecar = tmp_path / "photo.jpg.xmp"
    assert stat.S_IMODE(sidecar.stat().st_mode) == 0o640
    sidecar.write_bytes(DARKTABLE)
    sidecar.chmod(0o604)
    apply(*planned(photo, [TABBY]))
    for path in (sidecar, tmp_path / "photo.jpg.xmp.zsl-backup"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o604


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
@pytest.mark.parametrize("dangling", [False, True])
def test_a_linked_sidecar_is_written_through(tmp_path, dangling):
    photo = touched(tmp_path, "photo.jpg")
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "real.xmp", tmp_path / "photo.jpg.xmp"
    if not dangling:
        target.write_bytes(DARKTABLE)
    link.symlink_to(target)
    apply(*planned(photo, [TABBY]))
    assert link.is_symlink()
    assert "tabby" in values(target.read_bytes(), SUBJECT)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_not_utf8(tmp_path):
    photo = os.fsdecode(os.fsencode(tmp_path) + b"/f\xfcr.jpg")
    Path(photo).touch()
    for naming in Naming:
        for change in planned(photo, [TABBY], naming):
            apply(change)
    assert sorted(os.listdir(os.fsencode(tmp_path))) == [b"f\xfcr.jpg", b"f\xfcr.jpg.xmp",
                                                         b"f\xfcr.xmp"]
    Path(photo + ".xmp").write_bytes(b"<broken")
    with pytest.raises(ImageError, match="f\udcfcr\\.jpg\\.xmp: not well-formed"):
        planned(photo, [TABBY], Naming.FULL)


@pytest.mark.parametrize("step", ["write", "replace"])
@pytest.mark.parametrize("existing", [None, DARKTABLE], ids=["new", "existing"])
def test_a_failure_leaves_all_as_it_was(tmp_path, monkeypatch, step, existing):
    photo = touched(tmp_path, "photo.jpg")
    sidecar = tmp_path / "photo.jpg.xmp"
    if existing:
        sidecar.write_bytes(existing)
        (tmp_path / "photo.jpg.xmp.zsl-backup").write_bytes(b"earlier")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    [change] = planned(photo, [TABBY])

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, data):
            self.file.write(data[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    if step == "write":
        monkeypatch.setattr(files, "open", lambda path, mode: Full(open(path, mode)),  # noqa: SIM115
                            raising=False)
    else:
        monkeypatch.setattr(os, "replace", refuse)
    reason = "No space left" if step == "write" else "Permission denied"
    with pytest.raises(ImageError, match=rf"photo\.jpg\.xmp: cannot write it: {reason}") as failed:
        apply(change)
    assert failed.value.kind == "sidecar"
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_sidecar_that_changed_after_the_plan_is_left_alone(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    [change] = planned(photo, [TABBY])
    (tmp_path / "photo.jpg.xmp").write_bytes(DARKTABLE)
    with pytest.raises(ImageError, match="meanwhile; run zsl again"):
        apply(change)
    assert (tmp_path / "photo.jpg.xmp").read_bytes() == DARKTABLE


def test_a_read_only_sidecar_is_not_replaced(tmp_path, monkeypatch):
    photo = touched(tmp_path, "photo.jpg")
    sidecar = tmp_path / "photo.jpg.xmp"
    sidecar.write_bytes(DARKTABLE)
    sidecar.chmod(0o444)
    [change] = planned(photo, [TABBY])
    if os.access(sidecar, os.W_OK):  # root may write anything
        monkeypatch.setattr(sidecars.os, "access", lambda *_: False)
    with pytest.raises(ImageError, match="read-only") as refused:
        apply(change)
    assert refused.value.kind == "sidecar"
    assert sorted(os.listdir(tmp_path)) == ["photo.jpg", "photo.jpg.xmp"]


def test_what_is_no_file_is_never_opened(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "photo.jpg.xmp")  # opening it would block for ever
    else:
        (tmp_path / "photo.jpg.xmp").mkdir()
    with pytest.raises(ImageError, match=r"photo\.jpg\.xmp: not a regular file") as refused:
        planned(photo, [TABBY])
    assert refused.value.kind == "sidecar"


def test_what_cannot_be_read_is_said(tmp_path, monkeypatch):
    photo = touched(tmp_path, "photo.jpg", "photo.jpg.xmp")

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ImageError, match="cannot read it: Permission denied; check") as refused:
        planned(photo, [TABBY])
    assert refused.value.kind == "sidecar"


def test_an_unchanged_sidecar_is_recognised_before_it_is_parsed(monkeypatch):
    keywords = [Keyword(f"label {n}", ("entity", "object", "artifact", f"label {n}"), n / 10)
                for n in range(10)]
    data = merge(DARKTABLE, keywords, MADE)
    monkeypatch.setattr("zsl_cli.labeling.xmp.Packet", None)
    best = min(_timed(lambda: merge(data, keywords, MADE)) for _ in range(200))
    assert best < 200e-6  # about 25 µs; the bound is for a busy machine


def _timed(call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


# --- a real reader


@pytest.fixture(scope="module")
def exiftool():
    """exiftool's reading of files, or of warnings about them."""
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("exiftool is not installed")

    def read(*arguments) -> list[dict]:
        command = [program, "-j", "-G1", "-struct", *map(str, arguments)]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    return read


def test_exiftool_reads_new_sidecars_without_a_warning(tmp_path, exiftool):
    photo = touched(tmp_path, "photo.jpg")
    odd = Keyword("a&b <ü> \x00", ("x", "a&b <ü> \x00"), 0.1)
    for naming in (Naming.FULL, Naming.STEM):
        apply(*planned(photo, [TABBY, SOFA, odd], naming))
    files = [tmp_path / "photo.jpg.xmp", tmp_path / "photo.xmp"]
    for read in exiftool(*files):
        assert read["XMP-dc:Subject"] == ["tabby", "sofa", "a&b <ü> \ufffd"]
        assert read["XMP-lr:HierarchicalSubject"] == [
            "animal|feline|cat|tabby", "artifact|furniture|sofa", "x|a&b <ü> \ufffd"]
        assert read["XMP-digiKam:TagsList"] == [
            "animal/feline/cat/tabby", "artifact/furniture/sofa", "x/a&b <ü> \ufffd"]
        assert read["XMP-zsl:Automatic"] == ["tabby", "sofa", "a&b <ü> \ufffd"]
    for read in exiftool("-validate", "-warning", "-error", "-a", *files):
        assert read.pop("ExifTool:Validate") == "OK"
        assert list(read) == ["SourceFile"]


def test_exiftool_reads_merged_sidecars(tmp_path, exiftool):
    before, after = [], []
    for name, data in REAL.items():
        old, new = tmp_path / f"{name}-old.xmp", tmp_path / f"{name}-new.xmp"
        old.write_bytes(data)
        new.write_bytes(merge(data, [TABBY, SOFA], MADE))
        before.append(old)
        after.append(new)
    ours = ("XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "XMP-digiKam:TagsList")
    for old, new in zip(exiftool(*before), exiftool(*after), strict=True):
        for key, value in old.items():
            if key in ours:
                had = value if isinstance(value, list) else [value]  # exiftool's list of one
                assert new[key][:len(had)] == had
            elif not key.startswith(("System:", "SourceFile", "ExifTool:")):
                assert new[key] == value
        assert "tabby" in new["XMP-dc:Subject"]
        assert "animal|feline|cat|tabby" in new["XMP-lr:HierarchicalSubject"]
        assert "animal/feline/cat/tabby" in new["XMP-digiKam:TagsList"]
        assert [name.lower() for name in new["XMP-dc:Subject"]].count("sofa") == 1


def test_exiftools_edits_are_respected(tmp_path, exiftool):
    """It rewrites the whole packet, one description a namespace."""
    sidecar = tmp_path / "photo.jpg.xmp"
    sidecar.write_bytes(merge(DARKTABLE, [TABBY, LAMP], MADE))
    subprocess.run(["exiftool", "-q", "-overwrite_original", "-XMP-dc:Subject-=tabby",
                    "-XMP-dc:Subject+=Mine", str(sidecar)], check=True)
    edited = merge(sidecar.read_bytes(), [TABBY, SOFA, Keyword("rug", (), 0.2)], MADE)
    assert values(edited, SUBJECT) == ["Holiday", "Sofa", "Mine", "rug"]
    assert b"feline" not in edited
    assert values(edited, TAGS) == ["artifact/furniture/sofa", "rug"]
