"""What of a labelled set does not count is told once, and listed for programs and pages."""

from types import SimpleNamespace

import numpy as np

from zsl_cli.errors import ImageError
from zsl_cli.evaluation.datasets import Class, Dataset
from zsl_cli.evaluation.left_out import Collector
from zsl_cli.evaluation.reporter import Reporter

VOCABULARY = SimpleNamespace(name="fruit")
DATASET = Dataset((), np.array([], np.int64), (
    Class("tomatoo", 1, None, ("tomato",)), Class("colour", 0, None)), loose=2)


def test_each_thing_is_reported_once():
    told = []
    collector = Collector(lambda lines, kind: told.extend((kind, line) for line in lines))
    assert not collector.left_out()
    for _ in range(2):
        collector.add_unreadable([("a.png", ImageError("not an image"))])
    collector.add_dataset(DATASET, VOCABULARY)
    collector.add_lines("held.txt", ["nonsense"], VOCABULARY)
    assert collector.left_out()
    assert told == [
        ("images that cannot be read", "a.png: not an image"),
        ("unknown classes", "class 'tomatoo' is unknown to vocabulary 'fruit', 1 image left out; "
                            "the nearest names are: tomato"),
        ("empty classes", "class 'colour' has no images"),
        ("images in no class folder", "2 images left out, in no class folder"),
        ("unknown labels in held.txt", "held.txt: vocabulary 'fruit' does not know 'nonsense'")]


def test_the_same_for_programs_and_for_a_page():
    collector = Collector(Reporter().left_out)
    collector.add_dataset(DATASET, VOCABULARY)
    collector.add_lines("held.txt", ["nonsense"], VOCABULARY)
    assert collector.left_out().to_dict() == {
        "unknown_classes": [{"class": "tomatoo", "images": 1, "vocabulary": "fruit",
                             "nearest": ["tomato"]}],
        "empty_classes": ["colour"], "unreadable": [], "without_class": 2,
        "repeated": 0, "with_several_labels": [],
        "unknown_labels": [{"file": "held.txt", "label": "nonsense", "vocabulary": "fruit"}]}
    assert [lines for _, lines in collector.left_out().listed()] == [
        ["tomatoo: 1 image; near it: tomato"], ["colour"], [], [], [],
        ["held.txt: nonsense"]]
