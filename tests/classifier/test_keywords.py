"""Keywords out of confidences."""

from types import SimpleNamespace

import numpy as np
import pytest

from zsl_cli import Vocabulary
from zsl_cli.classifier.confidence import Evidence
from zsl_cli.classifier.keyword_rule import KeywordRule
from zsl_cli.classifier.keywords import choose, everyday_path
from zsl_cli.errors import RequestError
from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.hierarchy.taxonomy import Taxonomy
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.names.language import LanguageNames

NAMES = ("entity", "animal", "canine", "domestic dog", "German shepherd", "pug", "cat", "horse",
         "cow", "artifact", "gun", "car", "person")
PARENTS = (None, 0, 1, 2, 3, 3, 1, 1, 1, 0, 9, 9, 0)
PLAIN = {1: "animal", 3: "dog", 6: "cat", 7: "horse", 8: "cow", 10: "gun", 11: "car", 12: "person"}


def make(folder, plain=PLAIN, prior=None, sensitive=("gun",)):
    ids = [f"n{row:08}" for row in range(len(NAMES))]
    labels = [Label(ids[row], name, parents=() if above is None else (ids[above],),
                    plain=(plain[row],) if row in plain else (), sensitive=name in sensitive)
              for row, (name, above) in enumerate(zip(NAMES, PARENTS, strict=True))]
    folder.mkdir()
    vectors = np.eye(len(labels), dtype=np.float32)
    if prior is None:
        writing.write(folder, "v", "s", labels, vectors)
    else:
        usual = np.array([[prior.get(name, 0)] for name in NAMES], np.float32)
        writing.write(folder, "v", "s", labels, np.hstack([vectors, usual]),
                      prior_dimension=len(labels))
    return Vocabulary.load(folder)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def vocabulary(tmp_path):
    """Thirteen labels, of which eight have a plain word."""
    return make(tmp_path / "v")


def evidence(sure, main=None):
    """Of one image, in which labels of these names, and all above them, are so sure."""
    def line(values):
        confidences = np.zeros((1, len(NAMES)), np.float32)
        for name, confidence in values.items():
            row = NAMES.index(name)
            while row is not None:
                confidences[0, row] = max(confidences[0, row], confidence)
                row = PARENTS[row]
        return confidences
    return Evidence(line(sure), line(sure if main is None else main))


def keywords(vocabulary, sure, rule=None, main=None):
    (chosen,) = choose(rule or KeywordRule(), evidence(sure, main), vocabulary,
                                               Taxonomy.of(vocabulary))
    return [one.name for one in chosen]


def test_the_most_specific_that_is_sure_and_the_word_right_above_it(vocabulary):
    assert keywords(vocabulary, {"German shepherd": .85, "domestic dog": .95}) == [
        "German shepherd", "dog"]
    assert keywords(vocabulary, {"German shepherd": .5, "domestic dog": .95}) == ["dog"]
    assert keywords(vocabulary, {"domestic dog": .7, "canine": .79, "animal": .8}) == ["animal"]
    assert keywords(vocabulary, {"cat": .9}) == ["cat"]  # of an animal it tells too little


def test_the_word_above_is_one_that_people_use_more(tmp_path):
    plain = PLAIN | {2: "canine"}
    vocabulary = make(tmp_path / "v", plain, {"domestic dog": .3, "pug": .5, "canine": .1})
    assert keywords(vocabulary, {"German shepherd": .9}) == ["German shepherd", "dog"]
    assert keywords(vocabulary, {"pug": .9}) == ["pug"]
    vocabulary = make(tmp_path / "w", plain, {"domestic dog": .3, "canine": .4})
    assert keywords(vocabulary, {"German shepherd": .9}) == ["German shepherd", "canine"]


def test_words_that_nobody_uses_are_none(vocabulary):
    assert keywords(vocabulary, {"canine": .9, "artifact": .99}) == ["animal"]
    assert keywords(vocabulary, {"entity": 1}) == []


def test_a_word_that_hurts_needs_more(vocabulary):
    assert keywords(vocabulary, {"gun": .94}) == []
    assert keywords(vocabulary, {"gun": .96}) == ["gun"]
    assert keywords(vocabulary, {"gun": .96}, KeywordRule(.97)) == []
    assert "gun" not in keywords(vocabulary, {"gun": .9}, KeywordRule(0))


def test_what_lies_below_a_word_that_hurts_hurts_too_unless_people_have_a_word_for_it(tmp_path):
    def sure(place, plain, confidence):
        vocabulary = make(tmp_path / place, plain, sensitive=("domestic dog",))
        (chosen,) = choose(KeywordRule(), evidence({"pug": confidence}), vocabulary,
                                         Taxonomy.of(vocabulary))
        return [(one.name, one.path) for one in chosen]

    dog = ("dog", ("animal", "dog"))
    assert sure("a", PLAIN, .9) == [("animal", ("animal",))]
    assert sure("b", PLAIN, .96) == [("pug", ("animal", "dog", "pug")), dog]
    # Above a word that cannot hurt there is none that can, in its path neither.
    assert sure("c", PLAIN | {5: "pug"}, .9) == [("pug", ("animal", "pug"))]


def test_how_sure_and_how_many_is_for_the_user_to_say(vocabulary):
    sure = {"pug": .95, "car": .85, "cat": .6}
    assert keywords(vocabulary, sure) == ["pug", "car", "dog"]
    assert keywords(vocabulary, sure, KeywordRule(.9)) == ["pug", "dog"]
    assert keywords(vocabulary, sure, KeywordRule(.5, most=2)) == ["pug", "car"]
    for wrong in ({"confidence": 2}, {"confidence": float("nan")}, {"most": 0}):
        with pytest.raises(RequestError, match=next(iter(wrong))):
            KeywordRule(**wrong)


def test_one_of_its_numbers_asks_for_keywords():
    assert KeywordRule.asked(False, None, None) is None
    assert KeywordRule.asked(True, None, None) == KeywordRule(.8)
    assert KeywordRule.asked(False, 0, None) == KeywordRule(0)
    assert KeywordRule.asked(False, None, 3) == KeywordRule(.8, 3)


def test_what_stands_beside_comes_behind_the_main_thing(vocabulary):
    sure = {"person": .99, "domestic dog": .9}
    assert keywords(vocabulary, sure) == ["person", "dog"]  # a leaf tells more
    assert keywords(vocabulary, sure, main={"domestic dog": .9}) == ["dog", "person"]


def test_paths_have_everyday_levels(vocabulary):
    taxonomy = Taxonomy.of(vocabulary)
    assert everyday_path(4, vocabulary, taxonomy) == ("animal", "dog", "German shepherd")
    assert everyday_path(2, vocabulary, taxonomy) == ("animal", "canine")
    (found,) = choose(KeywordRule(), evidence({"pug": .9}), vocabulary, taxonomy)
    assert [(one.id, one.path) for one in found] == [
        ("n00000005", ("animal", "dog", "pug")), ("n00000003", ("animal", "dog"))]
    assert found[0].confidence == pytest.approx(.9)


def test_without_plain_words_every_label_is_one(tmp_path):
    vocabulary = make(tmp_path / "v", plain={})
    assert keywords(vocabulary, {"German shepherd": .5, "canine": .9})[0] == "canine"
    assert everyday_path(3, vocabulary, Taxonomy.of(vocabulary)) == (
        "entity", "animal", "canine", "domestic dog")


def test_keywords_and_paths_are_in_the_language(vocabulary):
    vocabulary.language = LanguageNames(SimpleNamespace(language="de"), {
        "n00000001": ("Tier",), "n00000002": ("Canide",), "n00000003": ("Hund", "Köter")})
    (found,) = choose(KeywordRule(), evidence({"pug": .9, "cat": .9}), vocabulary,
                                    Taxonomy.of(vocabulary))
    assert {one.name: one.path for one in found} == {
        "pug": ("Tier", "Hund", "pug"), "cat": ("Tier", "cat"), "Hund": ("Tier", "Hund")}


def test_all_candidates_that_are_sure_are_keywords_of_a_list(vocabulary):
    subset = vocabulary.subset([3, 1, 10], phrases={"a red bus": np.ones(13, np.float32)})

    def listed(rule, *confidences):
        line = np.array([confidences], np.float32)
        (found,) = choose(rule, Evidence(line, line), vocabulary, Taxonomy.of(vocabulary), subset)
        return [one.name for one in found]

    assert listed(KeywordRule(), .9, .85, .94, .97) == ["a red bus", "animal", "dog"]
    assert listed(KeywordRule(), .9, .85, .96, .1) == ["gun", "animal", "dog"]
    assert listed(KeywordRule(most=1), .9, .85, .96, .1) == ["gun"]
    assert listed(KeywordRule(0), .3, .2, .1, 0) == ["animal", "dog", "gun", "a red bus"]


def test_labels_under_one_are_chosen_from_as_all_are(vocabulary):
    rows = np.array([NAMES.index(name) for name in ("animal", "canine", "domestic dog", "pug")])
    subset = vocabulary.subset(rows.tolist())
    every = evidence({"pug": 0.9, "car": 0.95})
    part = Evidence(every.confidences[:, rows], every.main[:, rows])
    (found,) = choose(KeywordRule(0.8), part, vocabulary, Taxonomy.of(vocabulary), subset)
    assert [keyword.name for keyword in found] == ["pug", "dog"]
    rows = np.array([NAMES.index("pug")])
    part = Evidence(every.confidences[:, rows], every.main[:, rows])
    (found,) = choose(KeywordRule(0), part, vocabulary, Taxonomy.of(vocabulary),
                                     vocabulary.subset(rows.tolist()))
    assert [keyword.name for keyword in found] == ["pug"]  # no dog, which nobody asked for
