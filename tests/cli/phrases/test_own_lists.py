"""The words of a user's own list, on the command line and from Python."""

import csv
import io
import json

import pytest
from classified import found

from zsl_cli import Classifier, LabelRequest, Word, label, read_words

KEYWORDS = """\
[Paints]
	Scarlets
		{red one}
	Navies
a red bus
"""
PATHS = {"Scarlets": ["Paints", "Scarlets"], "Navies": ["Paints", "Navies"],
         "a red bus": ["a red bus"]}


@pytest.fixture
def keywords(tmp_path):
    (tmp_path / "keywords.txt").write_text(KEYWORDS, "utf-16")
    return tmp_path / "keywords.txt"


def test_a_word_is_printed_as_the_user_wrote_it(zsl, painted, red):
    command = ("classify", red, "--model", str(painted), "--labels", "Scarlets,navy blue,NAVY")
    records = zsl(*command, "--jsonl")
    assert [(id_, name) for id_, name, _ in found(records)] == [
        ("c2", "Scarlets"), ("c3", "NAVY"), ("navy blue", "navy blue")]
    rows = list(csv.DictReader(io.StringIO(zsl(*command, "--csv").stdout.decode())))
    assert [row["label"] for row in rows] == ["Scarlets", "NAVY", "navy blue"]
    assert b" Scarlets " in zsl(*command).stdout
    assert records.stderr.decode() == (
        "zsl: of another name: Scarlets = crimson; not in vocabulary paints, so encoded as "
        "phrases: 'navy blue'; --explain lists all\n")


def test_two_words_for_one_label_are_told(zsl, painted, red):
    result = zsl("classify", red, "--model", str(painted), "--jsonl", "--labels",
                 "crimson,scarlet,crimson,navy")
    assert [name for _, name, _ in found(result)] == ["crimson", "navy"]
    assert result.stderr.decode() == ("zsl: two words for one label: 'scarlet' as 'crimson'; "
                                      "--explain lists all\n")


def test_explain_lists_each_word(zsl, painted, red, keywords):
    command = ("--model", str(painted), "--labels-file", str(keywords), "--labels", "crimson")
    alone = zsl("classify", *command, "--explain")
    assert (alone.returncode, alone.stderr) == (0, b"")
    assert [line.split("\t") for line in alone.stdout.decode().splitlines()] == [
        ["crimson", "c2", "crimson", ""],
        ["Paints > Scarlets", "c2", "crimson", "written as 'crimson'"],
        ["Paints > Navies", "c3", "navy", ""], ["a red bus", "phrase", "a red bus", ""]]
    beside = zsl("classify", red, *command, "--explain", "--jsonl")
    assert beside.stderr.decode().splitlines()[1] == (
        "Paints > Scarlets  c2  crimson  written as 'crimson'")
    assert len(beside.stdout.splitlines()) == 1
    for wrong, message in (((), "Missing argument 'IMAGE...'"),
                           (("--explain",), "--explain is for the words of --labels")):
        result = zsl("classify", *wrong)
        assert result.returncode == 2
        assert message in result.stderr.decode()


def test_the_hierarchy_of_a_list_is_that_of_what_is_written(zsl, painted, photos, tmp_path,
                                                            keywords):
    command = ("label", "photos", "--model", str(painted), "-o", "l.jsonl", "--report", "r.html",
               "--xmp", "--confidence", "0", "--paths", "--labels-file", str(keywords))
    assert zsl(*command).returncode == 0
    records = [json.loads(line) for line in (tmp_path / "l.jsonl").read_bytes().splitlines()]
    assert {one["label"]: one["path"] for record in records for one in record["labels"]} == PATHS
    sidecar = (photos / "red.png.xmp").read_text("utf-8")
    for item in ("Scarlets", "Paints|Scarlets", "Paints/Scarlets", "a red bus"):
        assert f"<rdf:li>{item}</rdf:li>" in sidecar
    for item in ("Paints", "crimson", "colour|crimson"):
        assert f"<rdf:li>{item}</rdf:li>" not in sidecar
    page = (tmp_path / "r.html").read_text()
    assert '["Paints","Paints",-1]' in page
    assert '["c2","Scarlets",' in page
    again = zsl(*command)
    assert b"0 photos read, 0 failed, 3 known already" in again.stderr
    assert (photos / "red.png.xmp").read_text("utf-8") == sidecar
    keywords.write_text(KEYWORDS.replace("[Paints]", "[Pots]"), "utf-16")
    assert b"0 photos read, 0 failed, 3 known already" in zsl(*command).stderr
    assert '["Pots","Pots",-1]' in (tmp_path / "r.html").read_text()


def test_paths_of_other_lists_end_in_the_word(zsl, painted, red):
    result = zsl("classify", red, "--model", str(painted), "--jsonl", "--paths", "--labels",
                 "Scarlets,Colours")
    (record,) = map(json.loads, result.stdout.splitlines())
    assert {one["label"]: one["path"] for one in record["labels"]} == {
        "Scarlets": ["Colours", "Scarlets"], "Colours": ["Colours"]}


def test_a_list_that_is_no_hierarchy_is_told_with_its_line(zsl, painted, red, tmp_path):
    (tmp_path / "k.txt").write_text("a\n\tb\n\t\t\tc\n")
    for command in (("classify", red), ("label", "photos", "-o", "l.jsonl")):
        result = zsl(*command, "--model", str(painted), "--labels-file", "k.txt")
        assert result.returncode == 2
        assert "--labels-file k.txt, line 3: 3 tabs deep" in result.stderr.decode()
    assert not (tmp_path / "l.jsonl").exists()


def test_the_python_api_takes_lists_too(painted, red, keywords, tmp_path):
    words = read_words(keywords)
    assert words[0] == Word("Scarlets", ("Paints",), ("red one",))
    classifier = Classifier.load(painted, device="cpu")
    (prediction,) = classifier.classify([red], labels=words)
    assert {(one.id, one.name) for one in prediction.labels} == {
        ("c2", "Scarlets"), ("c3", "Navies"), ("a red bus", "a red bus")}
    label(LabelRequest(red, output=tmp_path / "p.jsonl", model=painted, labels=words, paths=True,
                       device="cpu"))
    record = json.loads((tmp_path / "p.jsonl").read_bytes())
    assert {one["label"]: one["path"] for one in record["labels"]} == PATHS
