"""Phrases as candidate labels in ``zsl classify``, with a tiny model of colours."""

import csv
import io
import json
import os
import re
from dataclasses import replace

import numpy as np
import pytest
import text_model
from classified import found, ids


def softmax(products, temperature=0.5):
    weights = np.exp(np.array(products) / temperature)
    return weights / weights.sum()


def test_phrases_are_labels_without_any_vocabulary(zsl, colours, red):
    result = zsl("classify", red, "--model", str(colours), "--labels",
                 "blue, a red bus,something", "--jsonl")
    assert (result.returncode, result.stderr) == (0, b"")
    record = json.loads(result.stdout)
    assert (record["model"], record["vocabulary"]) == ("colours", "phrases")
    # "a red bus" is one word of three in the direction of red
    scores = softmax([1 / 5 ** 0.5, 0, 0])
    assert [(label["id"], label["label"]) for label in record["labels"]] == [
        ("a red bus", "a red bus"), ("blue", "blue"), ("something", "something")]
    np.testing.assert_allclose([label["score"] for label in record["labels"]], scores, atol=1e-5)


def test_what_the_vocabulary_knows_keeps_its_vector_and_the_rest_is_encoded(zsl, painted, red):
    # crimson by its synonym and by its id is one candidate; encoded, these words would be grey
    result = zsl("classify", red, "--model", str(painted), "--labels", "Scarlet,c2,red bus,navy",
                 "--jsonl")
    assert result.returncode == 0
    assert json.loads(result.stdout)["vocabulary"] == "paints"
    scores = softmax([1, 1 / 2 ** 0.5, 0])
    assert [(id_, label) for id_, label, _ in found(result)] == [
        ("c2", "Scarlet"), ("red bus", "red bus"), ("c3", "navy")]
    np.testing.assert_allclose([score for _, _, score in found(result)], scores, atol=1e-5)


def test_a_note_says_what_was_encoded(zsl, painted, red):
    arguments = ("classify", red, "--model", str(painted), "--jsonl", "--labels")
    result = zsl(*arguments, "navy,a cat,ein grünes Auto")
    assert result.stderr.decode() == ("zsl: not in vocabulary paints, so encoded as phrases: "
                                      "'a cat', 'ein grünes Auto'; --explain lists all\n")
    many = zsl(*arguments, ",".join(f"thing {number}" for number in range(30)))
    assert many.stderr.decode().endswith(
        "'thing 3', 'thing 4' and 25 more; --explain lists all\n")
    assert zsl(*arguments, "navy,crimson").stderr == b""
    assert zsl(*arguments, "navy,a cat", "--quiet").stderr == b""
    assert b"\x1b" not in zsl(*arguments, "navy,a \x1b[31mcat").stderr


def test_a_name_that_is_spelt_nearly_like_a_phrase_is_told_first(zsl, painted, red):
    phrases = [f"thing {number}" for number in range(30)]
    result = zsl("classify", red, "--model", str(painted), "--jsonl", "--labels",
                 ",".join([*phrases, "crimsom"]))
    assert ("zsl: not in vocabulary paints, so encoded as phrases: "
            "'crimsom' (a name near it: crimson), 'thing 0', ") in result.stderr.decode()


def test_the_table_says_what_is_a_phrase(zsl, painted, red, tmp_path):
    # by its short name: one that is longer than a line would take the first two
    result = zsl("classify", os.path.relpath(red, tmp_path), "--model", str(painted), "--labels",
                 "navy,a red bus", env={"COLUMNS": "80"})
    lines = result.stdout.decode().splitlines()
    assert re.search(r"1 +a red bus +phrase +0\.", lines[3])
    assert re.search(r"2 +navy +0\.", lines[4])


def test_the_table_and_csv_have_phrases_too(zsl, colours, red):
    arguments = ("classify", red, "--model", str(colours), "--labels", "red,a cat")
    table = zsl(*arguments, env={"COLUMNS": "80"}).stdout.decode()
    assert re.search(r"1 +red +0\.881", table)
    rows = list(csv.DictReader(io.StringIO(zsl(*arguments, "--csv").stdout.decode())))
    assert [(row["id"], row["label"]) for row in rows] == [("red", "red"), ("a cat", "a cat")]


def test_a_phrase_in_the_list_twice_counts_once(zsl, painted, red):
    once = zsl("classify", red, "--model", str(painted), "--labels", "a cat,navy", "--jsonl")
    twice = zsl("classify", red, "--model", str(painted), "--labels",
                "a cat,navy,a cat,c3, a cat ", "--jsonl")
    assert once.returncode == 0
    assert once.stdout == twice.stdout


@pytest.mark.parametrize("phrase", ["ein grünes Auto", "红色的汽车", "🐈", "a" * 10_000,
                                    " ".join(["red"] * 1000), "=1+1", "'\"\\", "{}"])
def test_any_phrase_comes_back_as_it_was_given(zsl, colours, red, tmp_path, phrase):
    (tmp_path / "labels.txt").write_text(f"{phrase}\ngreen\n", encoding="utf-8")
    result = zsl("classify", red, "--model", str(colours), "--labels-file", "labels.txt",
                 "--jsonl")
    assert result.returncode == 0
    assert set(ids(result)) == {phrase, "green"}


def test_a_phrase_with_a_comma_comes_from_a_file(zsl, colours, red, tmp_path):
    (tmp_path / "labels.txt").write_text("red, green and blue\n")
    result = zsl("classify", red, "--model", str(colours), "--labels-file", "labels.txt",
                 "--jsonl")
    assert ids(result) == ["red, green and blue"]


def test_a_thousand_phrases_at_once_share_the_probability(zsl, colours, red, tmp_path):
    (tmp_path / "labels.txt").write_text(
        "".join(f"thing {number}\n" for number in range(999)) + "red\n")
    result = zsl("classify", red, "--model", str(colours), "--labels-file", "labels.txt",
                 "--jsonl", "--top", "1000")
    assert len(found(result)) == 1000
    assert ids(result)[0] == "red"
    assert sum(score for _, _, score in found(result)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("search", ["--exact", "--hnsw"])
def test_phrases_are_searched_exactly_whatever_is_asked_for(zsl, painted, colours, red, search):
    arguments = ("classify", red, "--model", str(painted), "--labels", "a red bus,navy,crimson",
                 "--jsonl")
    expected = zsl(*arguments)
    assert expected.returncode == 0
    assert zsl(*arguments, search).stdout == expected.stdout


def test_hnsw_without_a_vocabulary_is_no_error(zsl, colours, red):
    result = zsl("classify", red, "--model", str(colours), "--labels", "red", "--hnsw", "--jsonl")
    assert ids(result) == ["red"]


@pytest.mark.parametrize("arguments", [(), ("--under", "animal")])
@pytest.mark.parametrize("command", ["classify", "label"])
def test_without_a_vocabulary_the_labels_have_to_be_given(
        zsl, colours, photos, tmp_path, command, arguments):
    result = zsl(command, str(photos), "--model", str(colours), *arguments,
                 *(["-o", "never.jsonl"] if command == "label" else []))
    assert (result.returncode, result.stdout) == (2, b"")
    assert b"list the candidate labels (--labels, --labels-file)" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("*never.jsonl*"))  # nor a part of it


@pytest.mark.parametrize("command", ["classify", "label"])
def test_a_model_without_a_label_encoder_knows_its_vocabulary_only(zsl, tmp_path, photos, command):
    folder = text_model.make(tmp_path / "mute", text=False)
    text_model.make_vocabulary(folder / "vocab")
    result = zsl(command, str(photos), "--model", str(folder), "--labels", "navy,crimsom")
    assert (result.returncode, result.stdout) == (2, b"")
    assert b"unknown label 'crimsom'; the nearest names are: crimson" in result.stderr


@pytest.mark.parametrize("command", ["classify", "label"])
@pytest.mark.parametrize(("labels", "message"), [
    (["--labels", "navy,a cat", "--under", "colour"],
     "'a cat' is no label of vocabulary 'paints' but a phrase, which lies under nothing"),
    (["--labels", "navy", "--under", "a cat"], "unknown label 'a cat'"),
    (["--labels", b"navy,caf\xe9"], r"'caf\udce9' is not UTF-8 text"),
    (["--labels", " , "], "name no label"),
])
def test_what_cannot_be_a_candidate_is_refused_before_anything_is_done(
        zsl, painted, photos, tmp_path, command, labels, message):
    result = zsl(command, str(photos), "--model", str(painted), *labels,
                 *(["-o", "never.jsonl"] if command == "label" else []))
    assert (result.returncode, result.stdout) == (2, b"")
    assert message in result.stderr.decode()
    assert b"Traceback" not in result.stderr
    assert not list(tmp_path.glob("*never.jsonl*"))  # nor a part of it


def test_known_labels_still_lie_under_others(zsl, painted, red):
    result = zsl("classify", red, "--model", str(painted), "--labels", "navy,scarlet", "--under",
                 "colour", "--jsonl")
    assert ids(result) == ["c2", "c3"]


@pytest.mark.parametrize("file", ["label_encoder.onnx", "tokenizer.json"])
def test_a_changed_label_encoder_is_refused_when_it_is_needed(zsl, painted, red, file):
    with (painted / file).open("ab") as changed:
        changed.write(b" ")
    known = zsl("classify", red, "--model", str(painted), "--labels", "navy", "--jsonl")
    assert known.returncode == 0
    result = zsl("classify", red, "--model", str(painted), "--labels", "a cat", "--jsonl")
    assert (result.returncode, result.stdout) == (2, b"")
    assert f"{file}: changed since it was written" in result.stderr.decode()


@pytest.mark.parametrize("phrase", ["\u200b", "\u2060\u200d", "\u00a0"])
def test_a_phrase_without_a_visible_character_is_refused(zsl, painted, red, tmp_path, phrase):
    (tmp_path / "labels.txt").write_text(f"navy\n{phrase}x\n{phrase}\u200b\n", encoding="utf-8")
    result = zsl("classify", red, "--model", str(painted), "--labels-file",
                 str(tmp_path / "labels.txt"))
    assert result.returncode == 2
    assert result.stderr == b"zsl: an empty phrase is no label\n"


def test_labels_that_lie_elsewhere_are_told(zsl, painted, red):
    result = zsl("classify", red, "--model", str(painted), "--labels", "navy,colour",
                 "--under", "navy", "--jsonl")
    assert [id_ for id_, _, _ in found(result)] == ["c3"]
    assert result.stderr.decode() == "zsl: left out by --under: 'colour'\n"


def test_without_parents_nothing_lies_under_a_label(zsl, colours, red):
    text_model.make_vocabulary(colours / "vocab", labels=[
        replace(label, parents=()) for label in text_model.LABELS])
    result = zsl("classify", red, "--model", str(colours), "--max-depth", "1")
    assert result.returncode == 2
    assert b"says of no label what lies above it" in result.stderr


@pytest.mark.parametrize("number", [5, 700])
def test_many_phrases_are_announced(zsl, colours, red, tmp_path, number):
    (tmp_path / "labels.txt").write_text(
        "\n".join(f"thing {place}" for place in range(number)), encoding="utf-8")
    result = zsl("classify", red, "--model", str(colours), "--labels-file",
                 str(tmp_path / "labels.txt"))
    assert (b"zsl: encoding 700 phrases\n" in result.stderr) == (number == 700)


def test_no_cell_of_the_csv_is_run_as_a_formula(zsl, colours, red):
    result = zsl("classify", red, "--model", str(colours), "--labels", "=1+1,@red,red", "--csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout.decode())))
    assert sorted(row["label"] for row in rows) == ["'=1+1", "'@red", "red"]
    assert {row["label"] for row in rows} == {row["id"] for row in rows}
