"""What the words of a user's own list are taken for."""

from types import SimpleNamespace

import numpy as np
import pytest

from zsl_cli import Vocabulary, Word
from zsl_cli.errors import UnknownLabelError
from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.lineages import Lineages
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.names.language import LanguageNames
from zsl_cli.vocabulary.words.own_words import own_ids, take

LABELS = (
    Label("n00000001", "animal"), Label("n00000002", "bird", parents=("n00000001",)),
    Label("n00000003", "crane", ("crane bird",), parents=("n00000002",),
          plain=("crane bird", "crane")),
    Label("n00000004", "crane", plain=("crane", "construction crane")),
    Label("n00000005", "airplane", ("plane",), plain=("airplane", "plane")),
    Label("n00000006", "plane", gloss="a tool"),
    Label("n00000007", "New World chat", ("chat",), parents=("n00000002",), rare=("chat",)),
    Label("n00000008", "person"), Label("n00000009", "boxer", parents=("n00000008",)),
    Label("n00000010", "boxer", parents=("n00000001",), plain=("boxer",)),
    Label("n00000011", "nightclub", ("club",)), Label("n00000012", "golf club", ("club",)),
    Label("n00000013", "book", rare=("book",)))


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("v")
    writing.write(folder, "v", "s", LABELS, np.eye(len(LABELS), dtype=np.float32))
    return Vocabulary.load(folder)


def taken(vocabulary, *words, phrases=True):
    """The ids, or phrases, that words are taken for."""
    return [one.phrase or vocabulary.label(one.row).id for one in take(
        vocabulary, [Word(word) if isinstance(word, str) else word for word in words],
        phrases=phrases)]


def test_a_plain_word_comes_before_names_and_the_first_before_others(vocabulary):
    assert taken(vocabulary, "plane", "cranes", "crane bird", "boxer") == [
        "n00000005", "n00000004", "n00000003", "n00000010"]


def test_a_rare_sense_is_a_phrase_where_phrases_can_be_encoded(vocabulary):
    assert taken(vocabulary, "chat", "Chats", "book", "clubs", "golf club") == [
        "chat", "Chats", "book", "clubs", "n00000012"]
    assert taken(vocabulary, "chat", "book", "club", phrases=False) == [
        "n00000007", "n00000013", "n00000011"]
    (chat,) = take(vocabulary, [Word("chat")], phrases=True)
    assert chat.rare == vocabulary.rows["n00000007"]


def test_what_is_above_a_word_in_its_list_says_which_sense_is_meant(vocabulary):
    assert taken(vocabulary, Word("chat", ("Birds",)), Word("crane", ("ANIMALS", "x")),
                 Word("crane", ("sites",)), Word("boxers", ("People", "sport"))) == [
        "n00000007", "n00000003", "n00000004", "n00000009"]


def test_a_synonym_counts_where_the_word_itself_is_no_label(vocabulary):
    assert taken(vocabulary, Word("Flieger", synonyms=("nothing", "plane")),
                 Word("chat", synonyms=("New World chat",)), Word("bird", synonyms=("plane",))) == [
        "n00000005", "n00000007", "n00000002"]


def test_words_keep_their_spelling_and_of_two_for_one_label_the_first_stays(vocabulary):
    planes, same, line, id_, phrase, again = take(vocabulary, map(Word, (
        " Planes", "airplane", "n00000001 beast, animal", "n00000002", "my teapot", "my teapot",
    )), phrases=True)
    assert [one.name for one in (planes, same, line, id_, phrase)] == [
        "Planes", "airplane", "beast", "bird", "my teapot"]
    assert [one.instead for one in (planes, same, again)] == [None, ("Planes",), ("my teapot",)]
    assert same.row == planes.row
    subset = vocabulary.subset([planes.row, id_.row], taken=(planes, same, id_))
    assert [(subset.label(row).name, subset.label(row).word) for row in (planes.row, id_.row)] == [
        ("Planes", "Planes"), ("bird", "bird")]


def test_what_is_no_label_at_all_is_an_error(vocabulary):
    for wrong, message in (("", "empty phrase"), ("n99999999", "has the id n99999999"),
                           ("caf\udce9", "not UTF-8")):
        with pytest.raises(UnknownLabelError, match=message):
            take(vocabulary, [Word(wrong)], phrases=True)


def test_the_hierarchy_of_a_list_is_that_of_its_labels(vocabulary):
    own = Lineages(vocabulary, take(vocabulary, [
        Word("Birds", ("Nature",)), Word("cranes", ("Nature", "Birds")),
        Word("my bird", ("Nature",))], phrases=True))
    assert own.lineage("n00000003") == (("Nature", "Nature"), ("n00000002", "Birds"),
                                        ("n00000003", "cranes"))
    assert own.path_names("my bird") == ("Nature", "my bird")
    assert own.words_above("n00000003") == ("Birds",)  # not Nature, which is no word of the list
    flat = Lineages(vocabulary, take(vocabulary, [Word("Birds"), Word("crane bird")], phrases=True))
    assert flat.path_names("n00000003") == ("animal", "Birds", "crane bird")
    assert flat.words_above("n00000003") is None
    assert Lineages(vocabulary).path_names("n00000003") == ("animal", "bird", "crane")
    assert Lineages(vocabulary).path_names("a phrase") == ("a phrase",)


def test_in_a_language_own_words_stay_and_ids_are_called_as_in_it(vocabulary):
    german = Vocabulary.load(vocabulary.path)
    german.language = LanguageNames(SimpleNamespace(language="de"), {
        "n00000001": ("Tier",), "n00000002": ("Vogel", "Piepmatz"), "n00000004": ("Kran",),
        "n00000005": ("Flieger",), "n00000011": ("club",)})
    assert taken(german, "KRAN", "piepmatz", "plane", "clubs", "club", "Tiere") == [
        "n00000004", "n00000002", "n00000005", "clubs", "n00000011", "Tiere"]
    own = take(german, map(Word, ("piepmatz", "n00000004", "n00000005 airplane")), phrases=True)
    assert [(one.name, one.is_own) for one in own] == [
        ("piepmatz", True), ("crane", False), ("airplane", True)]
    assert own_ids(german, own) == {"n00000002", "n00000005"}
    assert Lineages(german, own).path_names("n00000003") == ("Tier", "piepmatz", "crane bird")
    listed = Lineages(german, take(german, [Word("n00000004", ("Bau",))], phrases=True))
    assert listed.path_names("n00000004") == ("Bau", "Kran")
    subset = german.subset([one.row for one in own], taken=own)
    assert [german.label(row).id for row in subset.unnamed] == ["n00000004"]


def test_ten_thousand_words_take_no_time(vocabulary):
    import time

    words = [Word(f"{name}{number}s") for number in range(2500)
             for name in ("word ", "harbour", "wolves", "x")]
    started = time.process_time()
    assert len(take(vocabulary, words, phrases=True)) == 10_000
    assert time.process_time() - started < 5  # 0.2 on most machines
