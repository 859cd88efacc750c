"""``zsl vocab names`` on wordnets that a test makes."""

import json

import names_files
import pytest

from zsl_cli import Vocabulary


@pytest.fixture
def german(tmp_path):
    (tmp_path / "deu.tab").write_text(names_files.tab(), "utf-8")
    return "deu.tab"


def test_names_are_written_where_language_finds_them(zsl, german, tmp_path):
    env = {"ZSL_HOME": str(tmp_path / "home")}
    result = zsl("vocab", "names", german, env=env)
    assert (result.returncode, result.stdout) == (0, b"")
    said = result.stderr.decode()
    assert f"wrote {tmp_path / 'home' / 'names' / 'de'}: names of 9 nouns in German, among them " \
           f"9 of the {len(Vocabulary.load()):,} labels" in said
    assert "from Wiktionary, licence: CC BY-SA" in said
    shown = zsl("vocab", "show", "--label", "Löwe", "--language", "ger", "--json", "-q", env=env)
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert json.loads(shown.stdout)["label"] == "Löwe"


def test_without_zsl_home_that_is_the_users_data_folder(zsl, german, tmp_path):
    env = {"XDG_DATA_HOME": str(tmp_path / "data")}
    assert zsl("vocab", "names", german, env=env).returncode == 0
    assert (tmp_path / "data" / "zsl" / "names" / "de" / "names.json").is_file()
    again = zsl("vocab", "names", german, env=env)
    assert again.returncode == 2
    assert b"exists; give --force to replace it" in again.stderr
    assert zsl("vocab", "names", german, "--force", "-q", env=env).stderr == b""


def test_an_output_folder_is_a_language(zsl, german):
    assert zsl("vocab", "names", german, "-o", "out/german").returncode == 0
    result = zsl("vocab", "neighbours", "Hund", "--language", "out/german", "--jsonl", "-k", "1")
    assert json.loads(result.stdout)["terms"][0]["label"] == "Hund"
    labels = len(Vocabulary.load())
    assert f"{labels - 9:,} of {labels:,} labels have no name in German" in result.stderr.decode()
    csv = zsl("vocab", "neighbours", "n02087122", "--language", "out/german", "--csv", "-k", "40")
    assert b",n02084071,Hund," in csv.stdout


def test_all_about_a_label_in_the_language(zsl, german):
    zsl("vocab", "names", german, "-o", "de")
    result = zsl("vocab", "show", "--label", "Jagdhund", "--language", "de", "-q")
    assert result.stderr == b""
    lines = result.stdout.decode().splitlines()
    assert "name        Jagdhund" in lines
    assert any(line.startswith("path") and line.endswith(" > Hund > Jagdhund") for line in lines)
    record = json.loads(zsl("vocab", "show", "--label", "Hund", "--language", "de",
                            "--json").stdout)
    assert (record["label"], record["other_names"]) == ("Hund", ["Hündin"])
    assert "domestic dog" in record["synonyms"]
    assert {"id": "n02087122", "label": "Jagdhund"} in record["children"]
    assert zsl("vocab", "show", "--language", "de").returncode == 2


@pytest.mark.parametrize(("content", "said"), [
    (b"", b"the file is empty"), (b"<html></html>", b"neither WN-LMF"),
    (names_files.tab().encode("utf-16"), b"this is no text"),
    (names_files.tab([(f"n{at:08}", f"Wort {at}x") for at in range(1, 50)]).encode(),
     b"49 of its 49 synsets are no nouns of WordNet 3.0"),
    (names_files.tab(code="xx").encode(), b"give its code, --language")])
def test_what_is_no_wordnet_is_one_line_and_nothing_is_left(zsl, tmp_path, content, said):
    (tmp_path / "a.tab").write_bytes(content)
    result = zsl("vocab", "names", "a.tab", "-o", "out/de", "-q")
    assert (result.returncode, result.stdout) == (2, b"")
    (line,) = result.stderr.splitlines()
    assert line.startswith(b"zsl: a.tab")
    assert said in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tab"]


def test_wrong_use(zsl, german):
    assert b"Missing argument" in zsl("vocab", "names").stderr
    assert b"is not the code of one" in zsl("vocab", "names", german, "--language", "x").stderr
    assert b"No such file" in zsl("vocab", "names", "gone.tab").stderr
