"""Phrases as candidate labels in ``zsl label``, its reports and sidecars."""

import json
import os

import pytest
import text_model


def records(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def tops(path):
    return [record["labels"][0]["label"] for record in records(path)]


def test_a_library_is_labelled_with_phrases(zsl, painted, photos, tmp_path):
    command = ("label", "photos", "--model", str(painted), "-o", "l.jsonl", "--labels",
               "crimson,a green frog,the blue sea")
    result = zsl(*command)
    assert result.returncode == 0
    assert b"encoded as phrases: 'a green frog', 'the blue sea'" in result.stderr
    assert tops(tmp_path / "l.jsonl") == ["the blue sea", "a green frog", "crimson"]
    assert {record["vocabulary"] for record in records(tmp_path / "l.jsonl")} == {"paints"}
    classified = zsl("classify", "photos", "--jsonl", *command[2:4], *command[6:])
    for one, other in zip(records(tmp_path / "l.jsonl"), classified.stdout.splitlines(),
                          strict=True):
        assert one["labels"] == json.loads(other)["labels"]


def test_other_phrases_or_another_label_encoder_read_no_photo(zsl, colours, photos, tmp_path):
    command = ("label", "photos", "--model", str(colours), "-o", "l.jsonl", "--labels")
    assert zsl(*command, "red,green,blue").returncode == 0
    assert tops(tmp_path / "l.jsonl") == ["blue", "green", "red"]
    assert {record["vocabulary"] for record in records(tmp_path / "l.jsonl")} == {"phrases"}
    again = zsl(*command, "red,green,blue")
    assert b"0 photos read, 0 failed, 3 known already" in again.stderr
    assert zsl(*command, "a red bus,green,blue").returncode == 0
    assert tops(tmp_path / "l.jsonl") == ["blue", "green", "a red bus"]
    # the words for red and blue change their meaning
    text_model.label_encoder(colours / "label_encoder.onnx",
                             table=text_model.TABLE[[0, 1, 4, 3, 2]])
    text_model.sign(colours)
    changed = zsl(*command, "a red bus,green,blue")
    assert b"0 photos read, 0 failed, 3 known already" in changed.stderr
    assert tops(tmp_path / "l.jsonl") == ["a red bus", "green", "blue"]
    text_model.tokenizer(colours / "tokenizer.json",
                         words={**text_model.WORDS, "red": 4, "blue": 2})
    text_model.sign(colours)
    changed = zsl(*command, "a red bus,green,blue")
    assert b"0 photos read, 0 failed, 3 known already" in changed.stderr
    assert tops(tmp_path / "l.jsonl") == ["blue", "green", "a red bus"]


@pytest.mark.parametrize("own", [True, False])
def test_reports_and_sidecars_hold_phrases(zsl, colours, photos, tmp_path, own):
    if own:
        text_model.make_vocabulary(colours / "vocab")
    command = ("label", "photos", "--model", str(colours), "--report", "r.html", "--xmp",
               "--labels", "navy,a red/green bus,<b>&", "--confidence", "0")
    assert zsl(*command).returncode == 0
    sidecar = (photos / "red.png.xmp").read_text()
    assert "<rdf:li>a red/green bus</rdf:li>" in sidecar
    assert "<rdf:li>a red-green bus</rdf:li>" in sidecar  # digiKam's hierarchy has slashes
    blue = (photos / "blue.png.xmp").read_text()
    assert "<rdf:li>navy</rdf:li>" in blue  # a plain list has no hierarchy, whatever the vocabulary
    assert "colour|navy" not in blue
    page = (tmp_path / "r.html").read_text()
    assert '["a red/green bus","a red/green bus",-1]' in page
    # no photo is to be read, and what reads them is not even loaded: all stays the same
    os.truncate(colours / "encoder.onnx", 0)
    again = zsl(*command)
    assert again.returncode == 0
    assert b"0 photos read, 0 failed, 3 known already" in again.stderr
    assert (photos / "red.png.xmp").read_text() == sidecar
    assert '["a red/green bus","a red/green bus",-1]' in (tmp_path / "r.html").read_text()
