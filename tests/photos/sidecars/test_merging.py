"""XMP packets: merging keywords into what is there."""

import re
import time
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sidecar_samples import (
    ADOBE,
    AUTOMATIC,
    DARKTABLE,
    DIGIKAM,
    HIERARCHY,
    LAMP,
    MADE,
    RDF,
    SOFA,
    SUBJECT,
    TABBY,
    TAGS,
    keyword,
    merge,
    real,
    subjects,
    values,
    without,
    wrapped,
)

from zsl_cli.photos.entry import Provenance
from zsl_cli.photos.sidecars.marks import ZSL

# --- a new packet


def test_a_new_packet_holds_the_keywords_in_all_three_properties():
    data = merge(None, [TABBY, SOFA], MADE)
    assert values(data, SUBJECT) == ["tabby", "sofa"]
    assert values(data, HIERARCHY) == ["animal|feline|cat|tabby", "artifact|furniture|sofa"]
    assert values(data, TAGS) == ["animal/feline/cat/tabby", "artifact/furniture/sofa"]
    assert values(data, AUTOMATIC) == ["tabby", "sofa"]
    assert values(data, f"{{{ZSL}}}confidences") == ["0.87 tabby", "0.41 sofa"]
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
    assert merge(None, [keyword(" \n", (" ",), 1.0)], MADE) is None


def test_without_keywords_a_packet_that_zsl_never_touched_is_not_even_parsed():
    assert merge(b"<broken", [], MADE) == b"<broken"


def test_separators_within_a_level_do_not_make_a_level():
    data = merge(None, [keyword("AC/DC|x", ("rock/pop", "AC/DC|x"), 0.5)], MADE)
    assert values(data, SUBJECT) == ["AC/DC|x"]
    assert values(data, HIERARCHY) == ["rock/pop|AC/DC-x"]
    assert values(data, TAGS) == ["rock-pop/AC-DC|x"]


def test_a_label_in_no_tree_is_its_own_path():
    data = merge(None, [keyword("oddity", (), 0.5)], MADE)
    assert values(data, HIERARCHY) == values(data, TAGS) == ["oddity"]


@pytest.mark.parametrize(("name", "written"), [
    ("a\x00b\x1b", "a\ufffdb\ufffd"), ("\ud800x\udcff", "\ufffdx\ufffd"), ("a\ufffe", "a\ufffd"),
    ("  two\r\nlines\t", "two lines"), ("<&>\"']]>", "<&>\"']]>"), ("日本 🐈", "日本 🐈"),
])
def test_any_name_makes_well_formed_xml(name, written):
    data = merge(None, [keyword(name, ("root", name), 0.5)], Provenance(name, name, name))
    assert values(data, SUBJECT) == [written]
    assert values(data, HIERARCHY) == [f"root|{written}"]
    assert merge(data, [keyword(name, ("root", name), 0.5)], Provenance(name, name, name)) == data


def test_two_labels_of_one_name_are_one_subject_and_two_places_in_the_tree():
    bird = keyword("crane", ("bird", "crane"), 0.5)
    machine = keyword("crane", ("lift", "crane"), 0.4)
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
    elsewhere = merge(merged, [TABBY, SOFA], Provenance("other", "v", "2"))
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
    merged = merge(existing, [keyword("mine", (), 0.9), TABBY], MADE)
    lists = list(ET.fromstring(merged).iter(SUBJECT))
    assert len(lists) == 1
    assert [text.strip() for text in lists[0].itertext() if text.strip()] == ["Mine", "tabby"]
    assert b'dc:subject="' not in merged
    removed = ET.fromstring(merge(merged, [], MADE)).iter(SUBJECT)
    assert ["".join(e.itertext()).strip() for e in removed] == ["Mine"]


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be",
                                      "iso-8859-1", "windows-1252"])
def test_the_encoding_is_kept(encoding, marked):
    wide = encoding.startswith("utf-")
    said = encoding[:6] if wide else encoding
    text = DARKTABLE.decode().replace("Holiday", "Süd")
    text = text.replace('"UTF-8"', f'"{"rot13" if wide and marked else said}"')  # the mark decides
    existing = ("\ufeff" * (wide and marked) + text).encode(encoding)
    keywords = [keyword("naïf", ("日本", "naïf"), 0.5)]
    merged = merge(existing, keywords, MADE)
    plain = merged.decode(encoding).removeprefix("\ufeff").partition("?>")[2].encode()
    assert merged[:4] == existing[:4]
    assert values(plain, SUBJECT) == ["Süd", "Sofa", "naïf"]
    assert values(plain, HIERARCHY)[-1] == "日本|naïf"
    assert merge(merged, keywords, MADE) is merged
    assert merge(merged, [], MADE) == existing


# --- automatic keywords and the user's


def test_keywords_no_longer_found_go_and_new_ones_come():
    merged = merge(merge(DARKTABLE, [TABBY, LAMP], MADE), [LAMP, keyword("rug", (), 0.3)], MADE)
    assert values(merged, SUBJECT) == ["Holiday", "Sofa", "lamp", "rug"]
    assert values(merged, HIERARCHY) == ["places|Holiday", "artifact|lamp", "rug"]
    assert values(merged, AUTOMATIC) == ["lamp", "rug"]


def test_a_keyword_of_the_user_is_neither_doubled_nor_claimed_nor_removed():
    assert merge(DARKTABLE, [SOFA], MADE) == DARKTABLE  # the user has "Sofa"
    merged = merge(DARKTABLE, [SOFA, TABBY], MADE)
    assert values(merged, SUBJECT) == ["Holiday", "Sofa", "tabby"]
    assert values(merged, AUTOMATIC) == ["tabby"]
    assert values(merged, HIERARCHY) == ["places|Holiday", "animal|feline|cat|tabby"]
    assert merge(merged, [], MADE) == DARKTABLE


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
found = st.lists(st.builds(keyword, name=few | words | st.text(max_size=4),
                           path=st.lists(few | st.text(max_size=3), max_size=3).map(tuple),
                           confidence=st.floats(0, 1)), max_size=5)


@given(users, st.lists(found, max_size=4))
def test_whatever_is_found_the_users_keywords_survive(names, runs):
    original = wrapped(subjects(names) if names else "")
    data = original
    for keywords in runs:
        data = merge(data, keywords, MADE)
        assert merge(data, keywords, MADE) == data
        other = merge(data, keywords, Provenance("another", "v", "1"))
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


def test_an_unchanged_sidecar_is_recognised_before_it_is_parsed(monkeypatch):
    keywords = [keyword(f"label {n}", ("entity", "object", "artifact", f"label {n}"), n / 10)
                for n in range(10)]
    data = merge(DARKTABLE, keywords, MADE)
    monkeypatch.setattr("zsl_cli.photos.sidecars.merging.Packet", None)
    best = min(_timed(lambda: merge(data, keywords, MADE)) for _ in range(200))
    assert best < 200e-6  # about 25 µs; the bound is for a busy machine


def _timed(call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
