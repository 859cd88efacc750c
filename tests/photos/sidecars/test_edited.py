"""What a user has changed of a photo's keywords since zsl wrote its own."""

import pytest
from sidecar_samples import DARKTABLE, DIGIKAM, LAMP, MADE, SOFA, TABBY

from zsl_cli.errors import ImageError
from zsl_cli.photos.sidecars.edited import Edits, edits
from zsl_cli.photos.sidecars.keyword_lists import SUBJECT
from zsl_cli.photos.sidecars.merging import merge, users_keywords


def without(data, *texts):
    """As a program takes keywords out of whatever list."""
    for text in texts:
        item = f"<rdf:li>{text}</rdf:li>".encode()
        own = data.index(b"zsl:automatic")
        assert item in data[:own]
        data = data[:own].replace(item, b"") + data[own:]
    return data


def added_to(data, flat, path=None):
    """As a program adds a keyword: to the flat list, and to that with a hierarchy."""
    text = data.decode()
    for local, value in (("dc:subject", flat), ("lr:hierarchicalSubject", path)):
        end = text.index("</", text.rindex("</rdf:li>", 0, text.index(f"</{local}>")) + 5)
        text = text if value is None else f"{text[:end]}<rdf:li>{value}</rdf:li>{text[end:]}"
    return text.encode()


def test_nothing_was_changed():
    for before in (None, DARKTABLE, DIGIKAM):
        after = merge(before, [TABBY, LAMP], MADE)
        assert edits(after, [users_keywords(before)] if before else []) == Edits()


def test_keywords_that_were_added_have_their_place_in_the_hierarchy():
    data = merge(None, [TABBY], MADE)
    data = added_to(added_to(data, "Rufus", "animal|cat|Rufus"), "garden")
    assert edits(data) == Edits(added=(("animal", "cat", "Rufus"), ("garden",)))


def test_what_the_user_had_before_is_no_correction():
    before = DARKTABLE
    data = added_to(merge(before, [TABBY], MADE), "ukulele", "things|ukulele")
    assert edits(data, [users_keywords(before)]) == Edits(added=(("things", "ukulele"),))
    in_the_photo = {SUBJECT.name: ["Beach"]}
    carried = merge(None, [TABBY], MADE, lambda: in_the_photo)  # a copy of it was written
    assert edits(carried, [in_the_photo]) == Edits()
    assert edits(without(carried, "Beach"), [in_the_photo]) == Edits()


def test_keywords_of_zsl_that_were_taken_out_are_removed_and_words_above_them_are_not():
    data = merge(None, [TABBY, SOFA], MADE)
    fewer = without(data, "tabby", "animal|feline|cat|tabby", "animal/feline/cat/tabby")
    assert edits(fewer) == Edits(removed=("tabby",))
    flat_alone = without(data, "tabby")  # by a program that knows no other list
    assert edits(flat_alone) == Edits(removed=("tabby",))
    no_words_above = without(data, "animal", "feline", "cat", "artifact", "furniture")
    assert edits(no_words_above) == Edits()


def test_what_was_taken_out_long_ago_still_counts_and_what_came_back_does_not():
    data = merge(None, [TABBY, SOFA], MADE)
    data = without(data, "tabby", "animal|feline|cat|tabby", "animal/feline/cat/tabby")
    later = merge(data, [TABBY, LAMP], MADE)
    assert edits(later).removed == ("tabby",)
    assert edits(added_to(later, "Tabby")) == Edits(added=(("Tabby",),))


def test_a_packet_that_cannot_be_parsed_is_an_error():
    with pytest.raises(ImageError):
        edits(b"<x:xmpmeta")
