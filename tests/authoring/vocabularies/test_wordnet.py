"""WordNet's files, and which version they are of."""

import pytest
import wordnet_files

from zsl_cli.authoring.vocabularies.wordnet import WordNet
from zsl_cli.errors import ZslError

LINES = ["WordNet {} Copyright 2011 by Princeton University.  All rights reserved.",
         "WordNet Release {}", "This is a modification of Open English WordNet {}",
         "English WordNet {}"]


def licensed(folder, *lines):
    """The files with these lines in the licence."""
    wordnet_files.write(folder)
    nouns = (folder / "data.noun").read_text()
    (folder / "data.noun").write_text("".join(
        f"  {number} {line}  \n" for number, line in enumerate(lines, start=1)) + nouns)
    return folder


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("version", ["3.1", "2.1", "1.7.1", "2021"])
def test_another_version_is_refused_with_what_to_install(tmp_path, line, version):
    folder = licensed(tmp_path, "This software and database", line.format(version))
    with pytest.raises(ZslError, match=r"WordNet.*, whose ids differ from those of WordNet 3\.0; "
                                       r".*apt install wordnet-base"):
        WordNet(folder)


@pytest.mark.parametrize("lines", [[], [LINES[0].format("3.0")], ["no version at all"]])
def test_version_three_is_read(tmp_path, lines):
    assert WordNet(licensed(tmp_path, *lines)).synsets["n00000003"].words == ("bird",)


def test_a_whole_database_without_a_licence_is_told_by_its_dog(tmp_path, monkeypatch):
    folder = licensed(tmp_path)
    monkeypatch.setattr("zsl_cli.authoring.vocabularies.wordnet._WHOLE", 5)
    with pytest.raises(ZslError, match="another version of WordNet"):
        WordNet(folder)
    with (folder / "data.noun").open("a") as file:
        file.write(wordnet_files.line(2084071, ["dog"], [2], "barks"))
    with (folder / "index.noun").open("a") as file:
        file.write("dog n 1 1 @ 1 1 02084071\n")
    assert WordNet(folder)


@pytest.mark.parametrize(("lines", "message"), [
    ([(10, ["a"], [77])], "no synset n00000077"),
    ([(10, ["a"], [11]), (11, ["b"], [10])], "cycle"),
    ([(10, ["a"], [10])], "cycle"),
    ([(10, [], [1])], "without words"),
    ([(number, ["a"], [number - 1 or 1]) for number in range(10, 400)], "one above the other"),
])
def test_nouns_that_lead_nowhere_round_in_circles_or_too_high_are_refused(
        tmp_path, lines, message):
    wordnet_files.write(tmp_path)
    with (tmp_path / "data.noun").open("a") as file:
        file.writelines(wordnet_files.line(number, words, parents, "a thing")
                        for number, words, parents in lines)
        file.write(wordnet_files.line(9, ["low"], [1], "a thing"))
    with pytest.raises(ZslError, match=message):
        WordNet(tmp_path)


def test_a_sense_that_is_no_noun_of_the_database_is_refused(tmp_path):
    wordnet_files.write(tmp_path)
    with (tmp_path / "index.noun").open("a") as file:
        file.write("ghost n 1 1 @ 1 1 00000666\n")
    with pytest.raises(ZslError, match="no synset n00000666"):
        WordNet(tmp_path)


def test_many_ways_up_take_no_time(tmp_path):
    wordnet_files.write(tmp_path)
    with (tmp_path / "data.noun").open("a") as file:
        file.writelines(wordnet_files.line(
            100 + 2 * level + side, ["a"], [1] if not level else [98 + 2 * level, 99 + 2 * level],
            "a thing") for level in range(90) for side in (0, 1))
    assert WordNet(tmp_path).nearest_ancestors("n00000278", {"n00000001"}) == ["n00000001"]
