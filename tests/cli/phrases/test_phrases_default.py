"""Phrases as candidate labels in ``zsl classify``, with the default model."""

import pytest
from classified import found, ids


def test_any_phrase_is_a_label_with_the_default(zsl, cat_jpg):
    result = zsl("classify", str(cat_jpg), "--jsonl", "--labels",
                 "a red panda,an espresso machine,my grandmother's teapot,a cat on a blanket")
    assert result.returncode == 0
    assert ids(result)[0] == "a cat on a blanket"
    assert sum(score for _, _, score in found(result)) == pytest.approx(1, abs=1e-5)
    note = result.stderr.decode()
    assert "n02509815" in ids(result)  # red panda, with or without an article
    assert "'a red panda'" not in note
    assert '"my grandmother\'s teapot"' in note


def test_the_default_keeps_the_vectors_of_known_names(zsl, cat_jpg):
    alone, beside = (zsl("classify", str(cat_jpg), "--jsonl", "--labels", labels)
                     for labels in ("tabby,golden retriever", "tabby,Golden_Retriever,a wet fjord"))
    scores = [{id_: score for id_, _, score in found(result)} for result in (alone, beside)]
    dog, cat = "n02099601", "n02123045"
    assert scores[1].keys() == {dog, cat, "a wet fjord"}
    assert scores[1][cat] / max(scores[1][dog], 1e-6) == pytest.approx(
        scores[0][cat] / max(scores[0][dog], 1e-6), rel=0.2)
    assert b"'a wet fjord'" in beside.stderr
    assert b"etriever" not in beside.stderr


def test_a_misspelt_name_is_told_with_the_default(zsl, cat_jpg):
    result = zsl("classify", str(cat_jpg), "--labels", "cat,zzzebra")
    assert result.returncode == 0
    assert b"'zzzebra' (a name near it: zebra)" in result.stderr


@pytest.mark.parametrize("phrase", ["🐱", "🐱 🚗", "猫"])
def test_a_phrase_of_which_the_encoder_knows_nothing_is_refused(zsl, cat_jpg, phrase):
    result = zsl("classify", cat_jpg, "--labels", f"tabby,{phrase}")
    assert result.returncode == 2
    assert result.stdout == b""
    assert result.stderr.decode().endswith(
        f"knows no word or character of the phrase {phrase!r}; put it into other words\n")


def test_phrases_that_are_cut_or_read_the_same_are_told(zsl, cat_jpg):
    long = ["dog " * 120 + end for end in ("cat", "car")]
    result = zsl("classify", cat_jpg, "--labels", ",".join(["a nice cat", "A nice cat", *long]))
    notes = result.stderr.decode().splitlines()
    assert sum("only the first 62 pieces of words count" in note for note in notes) == 2
    assert sum("read the same to the label encoder" in note for note in notes) == 2
    assert max(map(len, notes)) < 400
    many = zsl("classify", cat_jpg, "--labels", ",".join(f"dog{' ' * n}house x" for n in
                                                         range(1, 30)))
    assert b"the same goes for 25 more phrases" in many.stderr


def test_an_article_before_a_name_does_not_count(zsl, cat_jpg):
    plain, articles = (zsl("classify", cat_jpg, "--jsonl", "--labels", labels)
                       for labels in ("tabby,red panda", "a tabby,The red_panda,tabby"))
    assert articles.returncode == 0
    assert [(id_, score) for id_, _, score in found(plain)] == [
        (id_, score) for id_, _, score in found(articles)]
    assert {name for _, name, _ in found(articles)} == {"a tabby", "The red_panda"}
    assert b"phrase" not in articles.stderr


def test_an_id_of_wordnet_that_is_no_label_is_no_phrase(zsl, cat_jpg):
    result = zsl("classify", cat_jpg, "--labels", "n02123045,n99999999")
    assert result.returncode == 2
    assert result.stderr.decode() == (
        "zsl: no label of vocabulary 'default' has the id n99999999\n")
