"""From text to a stream of numbered words: files, encodings, words, phrases, batches."""

import bz2
import gzip
import lzma
import os
import shutil
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zsl_cli.authoring.vocabularies.word_training import collocations, corpus, prepare
from zsl_cli.authoring.vocabularies.word_training.corpus import CorpusError
from zsl_cli.authoring.vocabularies.word_training.words import tokens, words
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.progress import Reporter

TEXT = "the cat sat on the mat\nthe dog sat on the log\n" * 40


class Counting(Reporter):
    """A reporter that counts what is done."""

    def start(self, description, total=None, unit=""):
        self.total, self.done = total, 0

    def advance(self, done, failed=0):
        self.done += done


def prepared(folder, place, **options):
    folder.mkdir()
    return prepare.prepare(corpus.find(place), prepare.Settings(**options), folder, Counting())[0]


def sentences(ready):
    """The stream, in words."""
    ids = np.fromfile(ready.stream, np.int32)
    ends = np.flatnonzero(ids == prepare.SENTENCE_END)
    return [[ready.words[number] for number in part if number >= 0]
            for part in np.split(ids, ends + 1)[:-1]]


@pytest.mark.parametrize(("text", "expected"), [
    ("The cat (a TABBY) sat, purring.", "the cat a tabby sat purring"),
    ("my grandmother's teapot isn’t well-known", "my grandmother teapot isn't well known"),
    ("in 1990 some 1,000,000 or 12345 B2B 3.5 90s 747", "in 1990 some or b2b 90s 747"),
    ("Ελλάδα naïve Москва हिन्दी snake_case", "ελλάδα naïve москва हिन्दी snake case"),
    ("cafe\u0301 “quoted” ‘so’ rock 'n' roll", "café quoted so rock n roll"),
    ("x" * 61 + " ' _ -", ""),
])
def test_what_a_word_is(text, expected):
    assert words(text) == expected.split()


def test_line_ends_and_punctuation_are_tokens():
    assert tokens("one, two\r\n\nthree...") == ["one", ",", "two", "\n", "\n", "three", "..."]


@pytest.mark.parametrize(("name", "pack"), [
    ("a.txt", bytes), ("a.txt.gz", gzip.compress), ("a.bz2", bz2.compress),
    ("a.xz", lzma.compress), ("gzip", gzip.compress), ("plain.gz", bytes),
    ("a.lzma", lambda data: lzma.compress(data, lzma.FORMAT_ALONE)),
    ("two.gz", lambda data: gzip.compress(data[:99]) + gzip.compress(data[99:])),
    ("bom", lambda data: b"\xef\xbb\xbf" + data)])
def test_plain_and_compressed_files_are_read_alike(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(TEXT.encode()))
    read, done = [], []
    text = "".join(corpus.read(corpus.find(tmp_path / name)[0], read.append, done.append))
    assert text == TEXT
    assert sum(read) == (tmp_path / name).stat().st_size == done[0].bytes
    assert done[0].sha256 == folders.sha256(tmp_path / name)


def test_a_folder_is_read_in_the_order_of_names_without_hidden_files(tmp_path):
    for name in ("b/2.txt", "b/10.txt", "a.txt", "c.txt.gz", ".hidden", ".git/x"):
        path = tmp_path / "texts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = f"{path.stem} word".encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    assert [file.name for file in corpus.find(tmp_path / "texts")] == [
        "a.txt", "b/10.txt", "b/2.txt", "c.txt.gz"]
    ready = prepared(tmp_path / "work", tmp_path / "texts", min_count=1)
    assert [first for first, _ in sentences(ready)[1:3]] == ["10", "2"]


@given(st.text(st.sampled_from("ab é\n漢𝄞")), st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_nothing_is_lost_where_blocks_are_cut(tmp_path_factory, text, block):
    path = tmp_path_factory.mktemp("text") / "file"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "_BLOCK", block)
        pieces = list(corpus.read(corpus.find(path)[0]))
    assert "".join(pieces) == text
    if max((len(word.encode()) for word in text.split()), default=0) < block:
        assert [word for piece in pieces for word in piece.split()] == text.split()


@pytest.mark.parametrize(("name", "data", "message"), [
    ("latin", TEXT.encode() + b"caf\xe9 au lait\n", "line 81, byte 1843: not UTF-8 text"),
    ("cut", "café".encode()[:-1], "line 1, byte 3: not UTF-8 text"),
    ("picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "line 1, byte 0: not UTF-8 text"),
    ("utf16", "text\n".encode("utf-16-le"), "line 1, byte 1: a zero byte, so this is a binary fil"),
    ("a.gz", gzip.compress(TEXT.encode())[:-20], "truncated"),
    ("a.xz", lzma.compress(TEXT.encode())[:-20], "truncated"),
    ("a.bz2", bz2.compress(TEXT.encode())[:-20], "truncated"),
    ("c.gz", gzip.compress(TEXT.encode())[:10] + b"\xff" * 40, "truncated or damaged"),
    ("c.bz2", bz2.compress(TEXT.encode())[:10] + b"\xff" * 40, "truncated or damaged"),
], ids=["latin", "cut", "picture", "utf16", "cut.gz", "cut.xz", "cut.bz2", "damaged.gz",
        "damaged.bz2"])
def test_what_is_no_utf8_text_is_refused_with_its_place(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CorpusError, match=rf"{name}.*{message}"):
        list(corpus.read(corpus.find(tmp_path / name)[0]))


def test_an_archive_is_no_corpus(tmp_path):
    (tmp_path / "texts.zip").write_bytes(b"PK\x03\x04" + bytes(30))
    with pytest.raises(ZslError, match=r"texts\.zip: compressed with zip, which .*; unpack it"):
        list(corpus.read(corpus.find(tmp_path / "texts.zip")[0]))


def test_the_place_of_an_error_counts_earlier_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "_BLOCK", 64)
    (tmp_path / "latin").write_bytes(TEXT.encode() + b"caf\xe9 au lait\n")
    with pytest.raises(CorpusError, match="line 81, byte 1843: "):
        list(corpus.read(corpus.find(tmp_path / "latin")[0]))


def test_places_without_text_are_refused(tmp_path):
    with pytest.raises(CorpusError, match="no such file or folder"):
        corpus.find(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="no file in this folder"):
        corpus.find(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CorpusError, match="neither a file nor a folder"):
        corpus.find(tmp_path / "pipe")


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path):
    (tmp_path / "log").write_text(TEXT)
    with pytest.raises(CorpusError, match="changed while it was being read"):
        for _ in corpus.read(corpus.find(tmp_path / "log")[0]):
            (tmp_path / "log").write_text(TEXT + "more")


def test_a_changed_corpus_is_told_from_one_that_was_touched(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a").write_text("one")
    (folder / "b").write_text("two")
    known = []
    for file in corpus.find(folder):
        list(corpus.read(file, done=known.append))
    assert corpus.changed(corpus.find(folder), known) is None
    os.utime(folder / "a", (1, 1))
    assert corpus.changed(corpus.find(folder), known) is None
    (folder / "a").write_text("six")
    os.utime(folder / "a", (1, 1))
    assert "a has changed" in corpus.changed(corpus.find(folder), known)
    (folder / "a").write_text("three")
    os.utime(folder / "a", ns=(known[0].changed, known[0].changed))
    assert "a has changed" in corpus.changed(corpus.find(folder), known)
    (folder / "a").write_text("one")
    (folder / "c").write_text("new")
    assert corpus.changed(corpus.find(folder), known) == "c is new"
    (folder / "c").unlink()
    (folder / "b").unlink()
    assert corpus.changed(corpus.find(folder), known) == "b is gone"


def test_another_file_is_said_to_be_one(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text("text")
    (known,) = corpus.find(tmp_path / "a")
    identity = corpus.Identity(known.name, 4, 0, "0")
    assert corpus.changed(corpus.find(tmp_path / "b"), [identity]) == "that was a, and this is b"


def test_words_are_numbered_by_frequency_and_rare_ones_left_out(tmp_path):
    (tmp_path / "text").write_text("b a c 12345 b a, b\n\nonce a c's b\n")
    ready = prepared(tmp_path / "work", tmp_path / "text", min_count=2, phrase_threshold=None)
    assert ready.words == ["b", "a", "c"]
    assert ready.counts.tolist() == [4, 3, 2]
    assert sentences(ready) == [list("bacbab"), list("acb")]
    assert ready.read == 10
    again = prepare.Prepared.load(tmp_path / "work")
    assert again.words == ready.words
    assert again.batches.tolist() == [0, 11]
    few = prepared(tmp_path / "few", tmp_path / "text", min_count=2, max_words=2,
                   phrase_threshold=None)
    assert sentences(few) == [list("babab"), list("ab")]


def test_too_little_text_is_refused(tmp_path):
    for text, message in (("", "no word in it"), ("12345 ... \n", "no word in it"),
                          ("漢" * 99, r"with blanks between its words \(Chinese, "),
                          ("one two three", "of 3 words 0 different ones occur 5 times"),
                          ("one one one one one two", "1 different ones occur 5 times or more")):
        (tmp_path / "text").write_text(text)
        with pytest.raises(CorpusError, match=message):
            prepared(tmp_path / "work", tmp_path / "text")
        shutil.rmtree(tmp_path / "work")


def filler(number):
    """Words that stand beside each other by chance alone."""
    random = np.random.default_rng(number)
    return " ".join(f"w{word}" for word in random.integers(0, 150, 40))


def test_phrases_of_two_to_four_words_are_joined(tmp_path):
    lines = [f"{filler(n)} great white shark {filler(-n % 997)} red panda, "
             f"king of the hill {filler(n + 5)}" for n in range(40)]
    (tmp_path / "text").write_text("\n".join(lines))
    ready = prepared(tmp_path / "work", tmp_path / "text", phrase_threshold=20.0)
    assert {word for word in ready.words if "_" in word} == {
        "great_white_shark", "red_panda", "king_of_the_hill"}
    assert "panda" not in ready.words
    plain = prepared(tmp_path / "plain", tmp_path / "text", phrase_threshold=None)
    assert not any("_" in word for word in plain.words)
    assert plain.read == ready.read


def test_no_phrase_reaches_across_punctuation_a_line_end_or_a_rare_word(tmp_path):
    lines = [f"{filler(n)} red, panda {filler(n + 100)} polar\nbear {filler(n + 200)} "
             f"tiger once{n} shark" for n in range(40)]
    (tmp_path / "text").write_text("\n".join(lines))
    ready = prepared(tmp_path / "work", tmp_path / "text", phrase_threshold=20.0)
    assert not any("_" in word for word in ready.words)
    assert {"red", "panda", "polar", "bear", "tiger", "shark"} <= set(ready.words)


def joined_one_by_one(ids, found, first_new):
    """What collocations.join does, as a loop."""
    result, at, table = [], 0, {key: first_new + k for k, key in enumerate(found)}
    while at < len(ids):
        new = table.get(ids[at] << 32 | ids[at + 1]) if at + 1 < len(ids) else None
        result.append(ids[at] if new is None else new)
        at += 1 if new is None else 2
    return result


@given(st.lists(st.integers(0, 5)), st.sets(st.tuples(st.integers(2, 5), st.integers(2, 5))))
@settings(deadline=None)
def test_phrases_are_joined_from_left_to_right(ids, pairs):
    found = sorted(first << 32 | second for first, second in pairs)
    joined = collocations.join(np.array(ids, np.int32), np.array(found, np.int64), 6)
    assert joined.tolist() == joined_one_by_one(ids, found, 6)


@given(st.lists(st.lists(st.integers(0, 6), max_size=30), max_size=12))
@settings(deadline=None)
def test_pairs_are_counted_as_one_would_by_hand(blocks):
    counted = collocations.PairCounts(most=40)
    for block in blocks:
        counted.add(np.array(block, np.int32))
    keys, counts = counted.result()
    expected = Counter(first << 32 | second for block in blocks
                       for first, second in pairwise(block)
                       if first > 1 < second)
    assert dict(zip(keys.tolist(), counts.tolist(), strict=True)) == expected
    assert keys.tolist() == sorted(expected)


def test_counting_pairs_takes_bounded_memory_and_keeps_the_frequent_ones():
    random = np.random.default_rng(0)
    counted = collocations.PairCounts(most=1000)
    for _ in range(60):
        counted.add(np.r_[random.integers(2, 9999, 400), np.tile([7, 8, 0], 30)].astype(np.int32))
    keys, counts = counted.result()
    assert len(keys) <= 1000
    assert counts[keys == (7 << 32 | 8)].tolist() == [60 * 30]


def test_the_score_is_mikolovs():
    counted = collocations.PairCounts()
    counted.add(np.array([2, 3] * 10 + [0, 4, 5, 0, 4, 5, 0, 4, 5], np.int32))
    counts = np.array([3, 0, 10, 10, 3, 3])
    # (10 - 2) / (10 · 10) · 26 = 2.08; 3 after 2 is counted 9 times; (3 - 2) / 9 · 26 = 2.89
    assert collocations.find(counted, counts, 2.0, 2).tolist() == [2 << 32 | 3, 4 << 32 | 5]
    assert collocations.find(counted, counts, 2.1, 2).tolist() == [4 << 32 | 5]
    assert collocations.find(counted, counts, 2.9, 2).tolist() == []


@given(st.lists(st.lists(st.integers(-1, 3), max_size=40), max_size=8))
@settings(deadline=None)
def test_batches_hold_all_sentences_and_long_ones_are_parted(blocks):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "MAX_SENTENCE", 5)
        patch.setattr(prepare, "MAX_BATCH", 13)
        cut = prepare._Batches()
        parts = [prepare._sentences(np.array(block, np.int32)) for block in blocks]
        for part in parts:
            cut.add(part)
    stream = np.concatenate([np.empty(0, np.int32), *parts])
    expected = []
    for block in blocks:
        for sentence in "".join("." if n < 0 else str(n) for n in block).split("."):
            expected += [sentence[at:at + 5] for at in range(0, len(sentence), 5)]
    text = "".join("." if n < 0 else str(n) for n in stream)
    assert text == "".join(f"{sentence}." for sentence in expected)
    starts = cut.result()
    assert starts[0] == 0
    assert starts[-1] == len(stream)
    assert (np.diff(starts) > 0).all()
    assert (np.diff(starts) <= 13).all()
    assert all(stream[end - 1] == -1 for end in starts[1:])


def test_rare_words_are_forgotten_where_there_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "_MOST_TYPES", 300)
    monkeypatch.setattr(corpus, "_BLOCK", 1000)
    sizes = []
    forget = prepare._Numbers.forget_rare

    def watched(self, counts, most):
        forget(self, counts, most)
        sizes.append(len(self))

    monkeypatch.setattr(prepare._Numbers, "forget_rare", watched)
    lines = [f"cat dog cat's {' '.join(f'r{number}x{n}' for n in range(20))}"
             for number in range(100)]
    (tmp_path / "text").write_text("\n".join(lines))
    ready = prepared(tmp_path / "work", tmp_path / "text", phrase_threshold=None)
    assert dict(zip(ready.words, ready.counts.tolist(), strict=True)) == {"cat": 200, "dog": 100}
    assert len(sizes) > 3
    assert max(sizes) <= 150
