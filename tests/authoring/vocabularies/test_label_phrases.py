"""Labels in templates read as a person would write them."""

import pytest

from zsl_cli.authoring.vocabularies.label_phrases import put
from zsl_cli.vocabulary.names.label import Label


@pytest.mark.parametrize(("word", "phrase"), [
    ("dog", "a photo of a dog."), ("elephant", "a photo of an elephant."),
    ("hourglass", "a photo of an hourglass."), ("unicycle", "a photo of a unicycle."),
    ("umbrella", "a photo of an umbrella."), ("European bison", "a photo of a European bison."),
    ("ukulele", "a photo of a ukulele."), ("X-ray", "a photo of an X-ray."),
    ("scissors", "a photo of scissors."), ("people", "a photo of people."),
    ("fish and chips", "a photo of fish and chips."), ("bus", "a photo of a bus."),
    ("octopus", "a photo of an octopus."), ("the Moon", "a photo of the Moon."),
    ("water", "a photo of water."), ("black bread", "a photo of black bread."),
    ("footwear", "a photo of footwear."), ("gymnastics", "a photo of gymnastics."),
    ("swimming", "a photo of swimming."), ("sky", "a photo of the sky."),
    ("night sky", "a photo of a night sky."), ("iron", "a photo of iron."),
    ("steam iron", "a photo of a steam iron."), ("traffic jam", "a photo of a traffic jam."),
    ("loaf of bread", "a photo of a loaf of bread."), ("peas", "a photo of peas."),
    ("pile of leaves", "a photo of a pile of leaves."), ("pajamas", "a photo of pajamas."),
    ("triceratops", "a photo of a triceratops."), ("hairbrush", "a photo of a hairbrush."),
    ("apple juice", "a photo of apple juice."), ("sheep", "a photo of a sheep.")])
def test_the_article_is_the_one_that_the_word_wants(word, phrase):
    assert put("a photo of a {}.", Label("x", word)) == phrase


def test_a_template_without_an_article_gets_none():
    assert put("{}", Label("x", "elephant")) == "elephant"
    assert put("An {} there", Label("x", "dog")) == "A dog there"


def test_the_everyday_word_is_put_in():
    assert put("a {}", Label("x", "domestic dog", plain=("dog",))) == "a dog"


def test_what_a_name_means_stands_behind_it_in_a_few_words():
    label = Label("x", "lock", gloss="enclosure consisting of a section of canal that can be "
                                     "closed; raises boats")
    assert put("a photo of a {}.", label, defined=True) == (
        "a photo of a lock, enclosure consisting of a section of canal.")
    assert put("a photo of a {}.", Label("x", "lock"), defined=True) == "a photo of a lock."
