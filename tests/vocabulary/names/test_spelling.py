"""Names that are nearly spelt like a text."""

from difflib import SequenceMatcher

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zsl_cli import Vocabulary
from zsl_cli.vocabulary.names.label import normal_name
from zsl_cli.vocabulary.names.spelling import ALIKE, Names

LETTERS = st.sampled_from("abcdeé \u0101\u4e00")


def by_comparing_all(names, text, most, least):
    """What Names.like promises, without a short cut."""
    ratios = [(-SequenceMatcher(None, name, text, autojunk=False).ratio(), name) for name in names]
    return [name for ratio, name in sorted(ratios) if -ratio >= least][:most]


def test_names_spelt_nearly_alike_are_found_best_first():
    names = Names(["zebra", "golden retriever", "red panda", "café", "zebu", "anteater"])
    assert names.like("zzzebra") == ["zebra"]
    assert names.like("zebr") == ["zebra", "zebu"][:1] or names.like("zebr")[0] == "zebra"
    assert names.like("gloden retreiver") == ["golden retriever"]
    assert names.like("cafe", least=0.7) == ["café"]
    assert names.like("my grandmother's teapot") == []
    assert names.like("") == []
    assert names.like("\ud800") == []
    assert Names([]).like("zebra") == []


@given(st.lists(st.text(LETTERS, min_size=1, max_size=12), unique=True, max_size=40),
       st.text(LETTERS, max_size=12), st.integers(1, 6),
       st.sampled_from([0.3, 0.6, 0.7, 0.8, 0.9, 1.0]))
@example(["abc"], "ab", 3, 0.8)  # whose ratio is 0.8, and 1 - 0.8 is less than 0.2
def test_the_short_cut_leaves_out_no_name(names, text, most, least):
    assert Names(names).like(text, most=most, least=least) == by_comparing_all(
        names, text, most, least)


@pytest.mark.parametrize("text", ["cranne", "gloden retreiver", "appel", "a"])
def test_the_short_cut_leaves_out_no_name_of_the_default_vocabulary(text):
    vocabulary = Vocabulary.load()
    names = {normal_name(name) for label in vocabulary.labels
             for name in (label.name, *label.synonyms, *label.plain)}
    for most, least in ((5, ALIKE), (3, 0.8)):
        assert vocabulary.spelling.like(text, most=most, least=least) == by_comparing_all(
            names, text, most, least)
