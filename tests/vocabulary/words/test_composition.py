"""Phrases out of words."""

from unicodedata import normalize

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zsl_cli.vocabulary.words import composition

DECOMPOSED = "pin\u0303ata"  # as macOS names files
KNOWN = {"बाघ", "शेर", "piñata", "TV", "the", "who",
         "great_white_shark", "tiger", "shark", "Siamese_cat", "café", "teapot", "red", "panda",
         "New York", "merry-go-round", "jack", "lantern", "o", "grandmother"}


@pytest.mark.parametrize(("phrase", "token"), [
    ("great white shark", "great_white_shark"), ("Great White Shark", "great_white_shark"),
    ("siamese cat", "Siamese_cat"), ("new_york", "New York"), ("Teapot", "teapot"),
    ("merry go round", "merry-go-round"), ("great-white shark", "great_white_shark"),
    ("siamese-cat", "Siamese_cat"), ("tv", "TV"), ("tiger shark", None), ("unicorn", None),
    ("Café", "café"), (DECOMPOSED, "piñata"), ("बाघ", "बाघ"),
    ("teapot's", "teapot"), ("", None), ("  ", None),
])
def test_a_phrase_is_one_token_in_whatever_spelling(phrase, token):
    assert composition.as_one(phrase, KNOWN) == token


@pytest.mark.parametrize(("phrase", "tokens", "missing"), [
    ("tiger shark", ("tiger", "shark"), ()),
    ("a red panda", ("red", "panda"), ()),
    ("The Red Panda!", ("red", "panda"), ()),
    ("the", ("the",), ()),
    ("my grandmother's teapot", ("grandmother", "teapot"), ("my",)),
    ("grandmother’s teapot", ("grandmother", "teapot"), ()),
    ("jack-o'-lantern", ("jack", "o", "lantern"), ()),
    ("merry-go-round", ("merry-go-round",), ()),
    ("red-unicorn teapot", ("teapot",), ("red-unicorn",)),
    ("teapot of the red panda", ("teapot", "red", "panda"), ()),
    ("of", (), ("of",)),
    ("unicorn", (), ("unicorn",)),
    ("...", (), ("...",)),
    ("बाघ शेर", ("बाघ", "शेर"), ()),
    (f"red {DECOMPOSED}", ("red", "piñata"), ()),
    ("red, panda; teapot", ("red", "panda", "teapot"), ()),
])
def test_a_phrase_is_its_words_without_articles(phrase, tokens, missing):
    assert composition.as_words(phrase, KNOWN) == composition.Parts(tokens, missing)


@pytest.mark.parametrize("phrase", ["great white shark", "my grandmother's jack-o'-lantern",
                                    "Café", "tiger-shark", DECOMPOSED, f"red {DECOMPOSED}-शेर"])
def test_what_may_be_looked_up_is_known_beforehand(phrase):
    class Asked(set):
        def __contains__(self, token):
            self.add(token)
            return False

    asked = Asked()
    composition.as_one(phrase, asked)
    composition.as_words(phrase, asked)
    assert set(asked) <= {token for part in composition.parts(phrase)
                          for token in composition.phrase_spellings(part)}


@example("Dog's")
@example("Été_rouge-É")
@given(st.text(st.sampled_from("aZé_-' sß’Σςn\u0303शे"), max_size=8))
def test_all_spellings_of_a_phrase_share_their_key(phrase):
    assert {composition.shared_key(token) for token in composition.phrase_spellings(phrase)} <= {
        composition.shared_key(phrase)}


@pytest.mark.parametrize(("phrase", "known", "token"), [
    ("a red panda", {"red_panda", "panda"}, "red_panda"), ("The Hague", {"Hague"}, "Hague"),
    ("the hague", {"hague", "the_hague"}, "the_hague"), ("an", {"an"}, "an"),
    ("thesaurus", {"saurus"}, None)])
def test_an_article_before_a_phrase_counts_only_where_it_is_known_with_it(phrase, known, token):
    assert composition.as_token(phrase, known) == token
    wanted = {composition.shared_key(part) for part in composition.parts(phrase)}
    assert token is None or composition.shared_key(token) in wanted


def test_a_token_in_decomposed_form_is_found_by_a_label_in_the_same():
    assert composition.as_one(DECOMPOSED, {DECOMPOSED}) == DECOMPOSED


@pytest.mark.parametrize("phrase", ["café au lait", "café"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_in_whichever_form_are_nearer_than_none(phrase, form):
    asked = normalize(form, phrase)
    other = normalize("NFD" if form == "NFC" else "NFC", phrase)
    plain = phrase.replace("é", "e")
    assert composition.as_one(asked, {asked, other, plain}) == asked
    assert composition.as_one(asked, {other, plain}) == other
    if " " not in phrase:
        assert composition.as_one(asked, {plain}) == plain


def test_the_mean_is_of_unit_length():
    vectors = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    np.testing.assert_allclose(composition.mean(vectors), [0.5 ** 0.5, 0.5 ** 0.5, 0])
    assert not composition.mean(np.array([[1, 0], [-1, 0]], np.float32)).any()
