"""The order in which a person reads keywords."""

import time

from zsl_cli.classifier.predictions import Keyword, broad_first
from zsl_cli.vocabulary.names.label import Label


def keyword(*path):
    return Keyword(Label(path[-1], path[-1]), path[-1], 0.9, path)


def test_each_stands_behind_those_above_it_and_else_in_its_place():
    words = [keyword("animal", "dog", "German shepherd"), keyword("ball"), keyword("animal", "dog"),
             keyword("animal", "cat"), keyword("animal")]
    assert [one.name for one in broad_first(words)] == [
        "animal", "dog", "German shepherd", "ball", "cat"]


def test_all_words_of_a_long_list_are_put_in_order_in_no_time():
    words = [keyword("thing", f"word {number}") for number in range(20_000)]
    started = time.perf_counter()
    assert broad_first(words) == words
    assert time.perf_counter() - started < 5
