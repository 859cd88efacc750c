"""A tokenizer.json that asks for too much, or fails, is one error."""

import json

import pytest
import text_model

from zsl_cli.embedding import tokenizer_files
from zsl_cli.errors import FolderError


@pytest.fixture
def entries(tmp_path):
    """What a small tokenizer's file says."""
    text_model.tokenizer(tmp_path / "tokenizer.json")
    return json.loads((tmp_path / "tokenizer.json").read_text())


def load(path, entries):
    return tokenizer_files.load(json.dumps(entries).encode(), path / "tokenizer.json")


PHRASE = {"Sequence": {"id": "A", "type_id": 0}}
SPECIAL = {"SpecialToken": {"id": "[PAD]", "type_id": 0}}


def template(*single):
    return {"type": "TemplateProcessing", "single": list(single), "pair": [],
            "special_tokens": {"[PAD]": {"id": "[PAD]", "ids": [0], "tokens": ["[PAD]"]}}}


def replacing(*contents):
    return {"type": "Sequence", "normalizers": [
        {"type": "Replace", "pattern": {"String": "a"}, "content": content}
        for content in contents]}


@pytest.mark.parametrize(("part", "value", "message"), [
    ("padding", {"strategy": {"Fixed": 10**9}}, "1,000,000,000 tokens a phrase"),
    ("padding", {"pad_to_multiple_of": 10**9}, "1,000,000,000 tokens a phrase"),
    ("padding", {"strategy": {"Fixed": -1}}, "tokenizers cannot load it"),
    ("truncation", {"max_length": 10**9}, "1,000,000,000 tokens a phrase"),
    ("truncation", {"max_length": "many"}, "tokenizers cannot load it"),
    ("post_processor", template(*[SPECIAL] * 100), "too many special tokens"),
    ("post_processor", template(*[PHRASE] * 9), "it repeats a phrase"),
    ("normalizer", replacing(*["a" * 100] * 4), "it makes phrases too long"),
    ("model", 7, "tokenizers cannot load it"), ("version", [], "tokenizers cannot load it"),
])
def test_what_asks_for_too_much_is_refused(tmp_path, entries, part, value, message, capfd):
    entries[part] = {**entries[part], **value} if part in ("padding", "truncation") else value
    with pytest.raises(FolderError, match=rf"tokenizer\.json: {message}") as caught:
        load(tmp_path, entries)
    assert len(str(caught.value)) < 500
    assert capfd.readouterr().err == ""


def test_many_replacements_that_do_not_meet_are_no_growth(tmp_path, entries):
    """As HTML's entities and typographic signs are written out: each grows, none grows on."""
    entries["normalizer"] = {"type": "Sequence", "normalizers": [
        {"type": "Replace", "pattern": {"String": chr(0x2460 + number)}, "content": f"({number})"}
        for number in range(200)]}
    normalizer = load(tmp_path, entries).normalizer
    assert normalizer.normalize_str(chr(0x2460 + 17) * 3) == "(17)" * 3


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 10**6, b"\xff\xfe", b"null"])
def test_what_is_no_tokenizer_is_refused(tmp_path, content):
    with pytest.raises(FolderError, match=r"tokenizer\.json: tokenizers cannot load it"):
        tokenizer_files.load(content, tmp_path / "tokenizer.json")


def test_a_file_of_absurd_size_is_not_read(tmp_path, monkeypatch):
    folder = text_model.make(tmp_path / "colours")
    monkeypatch.setattr(tokenizer_files, "LARGEST", 10)
    with pytest.raises(FolderError, match="bytes are too many for a tokenizer"):
        tokenizer_files.read(folder, tokenizer_files.folders.read_manifest(
            tokenizer_files.folders.MODEL, folder))


def test_an_expression_that_goes_back_and_forth_ends_in_one_error(tmp_path, entries, capfd):
    entries["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": "(a+)+$"},
                                "behavior": "Isolated", "invert": False}
    tokenizer = load(tmp_path, entries)
    with pytest.raises(FolderError, match=r"tokenizer\.json: tokenizers fails on phrases"):
        tokenizer_files.encode(tokenizer, ["a" * 60 + "!"], tmp_path / "tokenizer.json")
    assert capfd.readouterr().err == ""


def test_what_tokenizers_usually_do_passes(tmp_path, entries):
    entries["normalizer"] = replacing("b", "", "ab")
    entries["post_processor"] = template(SPECIAL, PHRASE, SPECIAL)
    (encoding,) = tokenizer_files.encode(load(tmp_path, entries), ["red"], tmp_path)
    assert encoding.ids[:3] == [0, 2, 0]
