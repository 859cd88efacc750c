"""Names of labels that mostly mean something else."""

import pytest
import wordnet_files

from zsl_cli.authoring.vocabularies import labelset
from zsl_cli.authoring.vocabularies.rare_senses import rare_names
from zsl_cli.authoring.vocabularies.wordnet import WordNet

MACHINE, BIRD = "n00000006", "n00000004"  # senses 1 and 2 of crane, tagged 5 and 3 times


@pytest.mark.parametrize(("tags", "names"), [
    ("crane%1:06:00:: 1 5\ncrane%1:05:00:: 2 3\n", ()),
    ("crane%1:06:00:: 1 7\ncrane%1:05:00:: 2 3\n", ("crane",)),
    ("crane%1:06:00:: 1 2\n", ()), ("crane%1:06:00:: 1 3\n", ("crane",))])
def test_a_main_name_is_rare_where_text_says_so(tmp_path, tags, names):
    wordnet_files.write(tmp_path)
    (tmp_path / "cntlist.rev").write_text(tags)
    wordnet = WordNet(tmp_path)
    assert rare_names(wordnet, BIRD, {BIRD}) == names
    assert rare_names(wordnet, MACHINE, {MACHINE}) == ()  # the first sense
    assert rare_names(wordnet, BIRD, {BIRD, MACHINE}) == ()  # both are labels


@pytest.mark.parametrize(("tags", "rare"), [("", True), ("crane%1:05:00:: 2 1\n", False),
                                            ("crane%1:06:00:: 1 5\n", True)])
def test_a_synonym_is_rare_unless_text_says_otherwise(tmp_path, tags, rare):
    wordnet_files.write(tmp_path)
    nouns = (tmp_path / "data.noun").read_text()
    (tmp_path / "data.noun").write_text(
        nouns.replace("crane 0 wading_crane 0", "wading_crane 0 crane 0"))
    (tmp_path / "cntlist.rev").write_text(tags)
    assert rare_names(WordNet(tmp_path), BIRD, {BIRD}) == (("crane",) if rare else ())


def test_labels_of_wordnet_say_which_of_their_names_are_rare(tmp_path):
    wordnet_files.write(tmp_path)
    (tmp_path / "cntlist.rev").write_text("crane%1:06:00:: 1 9\n")
    (label,) = labelset.describe(WordNet(tmp_path), [BIRD], [])
    assert (label.rare, label.word) == (("crane",), "crane")
