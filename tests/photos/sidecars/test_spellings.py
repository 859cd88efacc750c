"""One word in several spellings, and what of it is written beside the user's."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sidecar_samples import (
    HIERARCHY,
    LAMP,
    MADE,
    SUBJECT,
    TAGS,
    keyword,
    packet,
    subjects,
    values,
    without,
    wrapped,
)

from zsl_cli.photos.sidecars.elements import name
from zsl_cli.photos.sidecars.layout import Layout
from zsl_cli.photos.sidecars.marks import ZSL
from zsl_cli.photos.sidecars.merging import merge
from zsl_cli.photos.sidecars.spellings import Words

DOG = keyword("dog", ("animal", "dog"), 0.97)
CAT = keyword("cat", ("animal", "cat"), 0.9)
SHEPHERD = keyword("German shepherd", ("animal", "dog", "German shepherd"), 0.85)


@pytest.mark.parametrize(("singular", "plural"), [
    ("dog", "dogs"), ("bus", "buses"), ("box", "boxes"), ("church", "churches"), ("dish", "dishes"),
    ("city", "cities"), ("movie", "movies"), ("tie", "ties"), ("shoe", "shoes"),
    ("tomato", "tomatoes"), ("photo", "photos"), ("leaf", "leaves"), ("knife", "knives"),
    ("glove", "gloves"), ("woman", "women"), ("fireman", "firemen"), ("child", "children"),
    ("person", "people"), ("foot", "feet"), ("goose", "geese"), ("menu", "menus"),
    ("ice cream", "Ice-Creams"), ("German shepherd", "german_shepherds"), ("boy", "boys"),
    ("avalanche", "avalanches"), ("size", "sizes"), ("axe", "axes")])
def test_singular_and_plural_are_one_word(singular, plural):
    assert singular in Words([plural])
    assert plural in Words([singular])
    assert Words([plural]).spelt(singular) == plural


@pytest.mark.parametrize(("one", "other"), [
    ("cap", "cape"), ("glass", "glas"), ("glass", "glasses"), ("jean", "jeans"),
    ("gas", "ga"), ("bus", "bu"), ("cat", "cats eye"),
    ("dog", "hot dog"), ("dress", "dres"), ("car", "care"), ("icecream", "ice cream"),
    ("plan", "plane"), ("", "s")])
def test_other_words_are_others(one, other):
    assert one not in Words([other])
    assert other not in Words([one])


@given(st.text(), st.text())
def test_whether_two_are_one_does_not_depend_on_which_is_asked(one, other):
    assert (one in Words([other])) == (other in Words([one]))
    for spelling in (one.replace(" ", "_"), f" {one}", unicodedata.normalize("NFD", one),
                     unicodedata.normalize("NFC", one)):
        assert spelling in Words([one])


# --- in a sidecar


@pytest.mark.parametrize("own", ["dog", "DOG", "Dogs", "dogs"])
def test_a_keyword_that_the_user_has_is_not_written_beside_it(own):
    existing = wrapped(subjects([own]))
    assert merge(existing, [DOG], MADE) == existing
    merged = merge(existing, [DOG, LAMP], MADE)
    assert values(merged, SUBJECT) == [own, "lamp", "artifact"]
    assert values(merged, HIERARCHY) == [own, "artifact|lamp"]
    assert values(merged, TAGS) == [own, "artifact/lamp"]


@pytest.mark.parametrize(("own", "found"), [
    ("Cafe\u0301s", "caf\u00e9"), ("ice-cream", "ice cream"), ("hot_dogs", "hot dog"),
    ("German Shepherd", "german-shepherd"), ("wolves", "wolf"), ("MEN", "man")])
def test_other_spellings(own, found):
    existing = wrapped(subjects([own]))
    assert merge(existing, [keyword(found, (found,), 0.9)], MADE) == existing


@pytest.mark.parametrize("path", ["Animals|Dogs", "Pets|Dogs|Rex"])
def test_a_word_in_a_list_of_paths_is_the_users_as_well(path):
    existing = packet({HIERARCHY: [path]})
    assert merge(existing, [DOG], MADE) == existing
    assert merge(None, [DOG], MADE, lambda: {name(*HIERARCHY[1:].split("}")): [path]}) is None


def test_a_path_has_the_users_words_as_he_spells_them():
    existing = packet({HIERARCHY: ["Animals|Dogs"]})
    merged = merge(existing, [CAT, SHEPHERD], MADE)
    assert values(merged, HIERARCHY) == ["Animals|Dogs", "Animals|cat",
                                         "Animals|Dogs|German shepherd"]
    assert values(merged, SUBJECT) == ["Dogs", "cat", "German shepherd"]
    other = merge(merged, [CAT, SHEPHERD, LAMP], MADE)
    assert merge(other, [CAT, SHEPHERD], MADE) == merged
    assert merge(merged, [], MADE) == existing


# --- the words above a keyword, and a root


def test_the_words_above_stand_behind_the_keywords_once():
    data = merge(None, [SHEPHERD, CAT], MADE)
    assert values(data, SUBJECT) == ["German shepherd", "cat", "dog", "animal"]
    assert values(data, HIERARCHY) == ["animal|dog|German shepherd", "animal|cat"]
    assert values(data, f"{{{ZSL}}}automatic") == values(data, SUBJECT)
    assert values(data, f"{{{ZSL}}}confidences") == ["0.85 German shepherd", "0.9 cat"]
    alone = merge(data, [SHEPHERD, CAT], MADE, layout=Layout(parents=False))
    assert values(alone, SUBJECT) == ["German shepherd", "cat"]
    assert values(alone, HIERARCHY) == values(data, HIERARCHY)
    assert merge(alone, [SHEPHERD, CAT], MADE) == data


def test_a_word_above_that_was_taken_out_stays_out_and_takes_no_keyword_along():
    data = without(merge(None, [DOG], MADE), "animal")
    data = merge(data, [DOG, CAT], MADE)
    assert values(data, SUBJECT) == ["dog", "cat"]
    assert values(data, HIERARCHY) == ["animal|dog", "animal|cat"]


def test_a_word_that_was_taken_out_stays_out_when_its_place_in_the_tree_is_another():
    data = merge(None, [keyword("dog", ("organism", "animal", "canine", "dog"), 0.9), LAMP], MADE)
    data = data.replace(b"<rdf:li>organism|animal|canine|dog</rdf:li>", b"", 1)
    data = merge(data, [DOG, LAMP], MADE, layout=Layout(root="zsl"))
    assert values(data, SUBJECT) == ["lamp", "artifact"]
    assert values(data, TAGS) == ["zsl/artifact/lamp"]


def test_under_a_root_the_flat_list_has_no_root():
    data = merge(None, [DOG], MADE, layout=Layout(root="zsl"))
    assert values(data, HIERARCHY) == ["zsl|animal|dog"]
    assert values(data, TAGS) == ["zsl/animal/dog"]
    assert values(data, SUBJECT) == ["dog", "animal"]
    plain = merge(data, [DOG], MADE)
    assert values(plain, HIERARCHY) == ["animal|dog"]
    odd = merge(data, [keyword("tram", (), 0.9)], MADE, layout=Layout(root="a|b/c"))
    assert (values(odd, HIERARCHY), values(odd, TAGS)) == (["a-b/c|tram"], ["a|b-c/tram"])
