"""Whichever list of keywords a program reads, the user's stand in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sidecar_samples import (
    DARKTABLE,
    HIERARCHY,
    LAMP,
    MADE,
    SOFA,
    SUBJECT,
    TABBY,
    TAGS,
    keyword,
    merge,
    packet,
    subjects,
    values,
    without,
    wrapped,
)

from zsl_cli.photos.sidecars.elements import name
from zsl_cli.photos.sidecars.marks import ZSL

MICROSOFT = "{http://ns.microsoft.com/photo/1.0/}LastKeywordXMP"
MEDIAPRO = "{http://ns.iview-multimedia.com/mediapro/1.0/}CatalogSets"
ACDSEE = "{http://ns.acdsee.com/iptc/1.0/}categories"
SEPARATORS = {TAGS: "/", MICROSOFT: "/", HIERARCHY: "|", MEDIAPRO: "|", SUBJECT: ""}
READERS = {  # which lists they read, the first that there is
    "digiKam": (TAGS, MICROSOFT, HIERARCHY, MEDIAPRO, SUBJECT),
    "Immich": (TAGS, HIERARCHY, SUBJECT),
    "darktable": (HIERARCHY, SUBJECT),
    "others": (SUBJECT,)}
FOUND = [TABBY, LAMP]


def seen(data, order, photo=None):
    """The keywords, as paths, that a reader finds in a sidecar and, list by list, else in the
    photo."""
    for tag in order:
        if found := ([text for text in values(data, tag) if text]
                     or (photo and [text for text in values(photo, tag) if text])):
            split = SEPARATORS[tag]
            return {tuple(text.split(split)) if split else (text,) for text in found}
    return set()


def labels(paths):
    return {path[-1] for path in paths}


paths = st.lists(st.lists(st.sampled_from(["People", "Grandma", "Ulm", "Fest", "tabby"]),
                          min_size=1, max_size=3).map(tuple), max_size=4)
combinations = st.fixed_dictionaries({}, optional={
    tag: paths.map(lambda found, s=separator: [s.join(path) if s else path[-1] for path in found])
    for tag, separator in SEPARATORS.items()})


@given(combinations, combinations, st.sampled_from([FOUND, [TABBY], [SOFA, TABBY]]))
def test_what_a_program_found_it_finds_again_beside_what_zsl_adds(lists, embedded, second):
    existing = packet(lists)
    inside = {name(*tag[1:].split("}")): texts for tag, texts in embedded.items()}
    merged = merge(merge(existing, FOUND, MADE, lambda: inside), second, MADE, lambda: inside)
    for order in READERS.values():
        before = seen(existing, order, packet(embedded))
        after = seen(merged, order, packet(embedded))
        assert labels(before) <= {level for path in after for level in path}
        assert {keyword.name for keyword in second
                if keyword.name not in f"{lists} {embedded}"} <= labels(after)
    made = [tag for tag in (SUBJECT, HIERARCHY, TAGS) if not lists.get(tag) and seen(merged, [tag])]
    everything = {text for tag, texts in lists.items() for text in texts}
    for tag in made:
        levels = {level for path in seen(merged, [tag]) for level in path}
        for text in everything:
            assert text.replace("|", "/").split("/")[-1] in levels
    assert values(merge(merged, [], MADE, lambda: inside), SUBJECT) == lists.get(SUBJECT, [])
    # An empty list goes with what zsl wrote into it; a copy of what the photo has stays where it
    # is called as a label of zsl's is.
    if all(lists.values()) and "tabby" not in str(embedded):
        assert merge(merged, [], MADE, lambda: inside) == existing


def test_hierarchies_are_carried_whole_and_levels_not_twice():
    data = merge(packet({HIERARCHY: ["Places|France", "Music|AC/DC"],
                         SUBJECT: ["France", "Places", "AC/DC", "Old"]}), [TABBY], MADE)
    assert values(data, TAGS) == ["Places/France", "Music/AC|DC", "Old", "animal/feline/cat/tabby"]
    data = merge(packet({TAGS: ["Places/France"]}), [TABBY], MADE)
    assert values(data, HIERARCHY) == ["Places|France", "animal|feline|cat|tabby"]
    assert values(data, SUBJECT) == ["France", "tabby"]


def test_acdsees_categories_are_carried():
    text = ("&lt;Categories&gt;&lt;Category Assigned=&quot;0&quot;&gt;People&lt;Category "
            "Assigned=&quot;1&quot;&gt;Grandma&lt;/Category&gt;&lt;/Category&gt;&lt;/Categories&gt;")
    data = merge(wrapped("", f' xmlns:a="{ACDSEE[1:].partition("}")[0]}" a:categories="{text}"'),
                 [TABBY], MADE)
    assert values(data, TAGS)[0] == "People/Grandma"


@pytest.mark.parametrize("text", ["&lt;Category", "&lt;!DOCTYPE a&gt;", "x" * 200_000])
def test_categories_that_cannot_be_read_hide_nothing(text):
    data = merge(wrapped("", f' xmlns:a="{ACDSEE[1:].partition("}")[0]}" a:categories="{text}"'),
                 [TABBY], MADE)
    assert values(data, TAGS) == ["animal/feline/cat/tabby"]


def test_a_list_of_the_users_is_not_added_to_from_his_other_lists():
    data = merge(packet({TAGS: ["Kept"], SUBJECT: ["Kept", "Taken out"]}), [TABBY], MADE)
    assert values(data, TAGS) == ["Kept", "animal/feline/cat/tabby"]
    assert values(data, HIERARCHY) == ["Kept", "Taken out", "animal|feline|cat|tabby"]


def test_a_copy_is_never_taken_back_from_beside_other_keywords():
    data = merge(wrapped(subjects(["Mine"])), [TABBY], MADE)
    data = merge(without(data, "Mine"), [SOFA], MADE)
    assert values(data, TAGS) == ["Mine", "artifact/furniture/sofa"]
    assert values(merge(data, [], MADE), TAGS) == ["Mine"]  # there is no other of it any more


def test_a_copy_that_the_user_took_out_does_not_come_back():
    data = merge(packet({SUBJECT: ["Mine", "Other"]}), [TABBY], MADE)
    start = data.index(b"<digiKam:TagsList")
    data = data[:start] + data[start:].replace(b"<rdf:li>Mine</rdf:li>", b"", 1)
    for keywords in ([SOFA], [SOFA, TABBY]):
        data = merge(data, keywords, MADE)
        assert "Mine" not in values(data, TAGS)
        assert values(data, SUBJECT)[:2] == ["Mine", "Other"]


def test_what_the_user_adds_later_is_carried_too():
    data = merge(packet({SUBJECT: ["Mine"]}), [TABBY], MADE)
    data = data.replace(b"<rdf:li>Mine</rdf:li>", b"<rdf:li>Mine</rdf:li><rdf:li>New</rdf:li>", 1)
    data = merge(data, [SOFA], MADE)
    assert values(data, TAGS) == ["Mine", "New", "artifact/furniture/sofa"]


def test_a_sidecar_of_an_earlier_version_that_hid_keywords_is_mended():
    hidden = wrapped(subjects(["Mine", "tabby"]) + f"""
   <t:TagsList xmlns:t="{TAGS[1:-9]}"><rdf:Seq><rdf:li>animal/feline/cat/tabby</rdf:li></rdf:Seq>
   </t:TagsList><z:automatic xmlns:z="{ZSL}"><rdf:Bag><rdf:li>tabby</rdf:li></rdf:Bag></z:automatic>
   <z:automaticTags xmlns:z="{ZSL}"><rdf:Bag><rdf:li>animal/feline/cat/tabby</rdf:li></rdf:Bag>
   </z:automaticTags><z:digest xmlns:z="{ZSL}">zsl1-0</z:digest>""")
    data = merge(hidden, [TABBY], MADE)
    assert set(values(data, TAGS)) == {"Mine", "animal/feline/cat/tabby"}


# --- keywords in the photo itself

EMBEDDED = {name(*SUBJECT[1:].split("}")): ["Grandma"]}


def test_a_new_sidecar_carries_the_photos_own_keywords_and_undo_takes_the_copies():
    data = merge(None, [TABBY], MADE, lambda: EMBEDDED)
    assert values(data, SUBJECT) == ["Grandma", "tabby"]
    assert values(data, TAGS) == ["Grandma", "animal/feline/cat/tabby"]
    data = merge(data, [], MADE, lambda: EMBEDDED)
    assert [values(data, tag) for tag in (SUBJECT, HIERARCHY, TAGS)] == [[], [], []]


def test_what_a_sidecar_says_counts_more_than_what_the_photo_does():
    data = merge(packet({SUBJECT: ["Mine"], HIERARCHY: ["Mine"]}), [TABBY], MADE, lambda: EMBEDDED)
    assert values(data, TAGS) == ["Mine", "animal/feline/cat/tabby"]


def test_an_embedded_keyword_that_the_user_took_out_of_the_sidecar_stays_out():
    data = merge(None, [TABBY], MADE, lambda: EMBEDDED)
    lists, mark, account = data.partition(b"<zsl:")
    edited = lists.replace(b"<rdf:li>Grandma</rdf:li>", b"") + mark + account
    edited = merge(edited, [SOFA], MADE, lambda: EMBEDDED)
    assert [values(edited, tag) for tag in (SUBJECT, TAGS)] == [
        ["sofa"], ["artifact/furniture/sofa"]]


def test_what_zsl_wrote_and_somebody_copied_into_the_photo_is_not_the_users():
    data = merge(None, [TABBY], MADE)
    copied = {name(*tag[1:].split("}")): values(data, tag) for tag in (SUBJECT, HIERARCHY)}
    data = merge(data, [SOFA], MADE, lambda: copied)
    assert [values(data, tag) for tag in (SUBJECT, TAGS)] == [
        ["sofa"], ["artifact/furniture/sofa"]]


def test_the_photo_is_not_read_where_nothing_in_it_would_be_hidden():
    def never():
        raise AssertionError

    both = packet({SUBJECT: ["Mine"], HIERARCHY: ["Mine"], TAGS: ["Mine"]})
    for existing in (both, merge(both, [SOFA], MADE), DARKTABLE):
        keywords = [] if existing is DARKTABLE else [TABBY]
        merge(existing, keywords, MADE, never)
    assert merge(None, [keyword(" ", (), 0.5)], MADE, never) is None
