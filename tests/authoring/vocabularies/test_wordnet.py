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
    with (folder / "index.noun").open("a") as file:
        file.write("dog n 1 1 @ 1 1 02084071\n")
    assert WordNet(folder)
