"""Codes of languages."""

import pytest

from zsl_cli.support.languages import language


@pytest.mark.parametrize("code", ["de", "deu", "ger", "DE", "de-AT", "de_DE.UTF-8", "ger-Latn"])
def test_all_codes_of_a_language_are_the_same(code):
    found = language(code)
    assert (found.tag, found.iso639_3, found.name) == ("de", "deu", "German")


@pytest.mark.parametrize(("code", "tag", "three"), [
    ("arb", "ar", "arb"), ("cmn", "zh", "cmn"), ("cmn-Hans", "zh", "cmn"), ("chi", "zh", "zho"),
    ("fra", "fr", "fra"), ("nob", "nb", "nob"), ("ast", "ast", "ast")])
def test_a_wordnets_own_code_stands_beside_the_usual_one(code, tag, three):
    assert (language(code).tag, language(code).iso639_3) == (tag, three)


@pytest.mark.parametrize("code", ["", "d", "german", "xx", "../de", "de/..", "d1", "dé", "de fr"])
def test_what_is_no_code_is_none(code):
    assert language(code) is None
