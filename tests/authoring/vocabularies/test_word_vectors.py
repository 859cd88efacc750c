"""Files of word vectors: every format, plain and compressed, and what is wrong with them."""

import bz2
import gzip
import lzma
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import word_vectors as files
from damaged_folders import zipped
from hypothesis import given, settings
from hypothesis import strategies as st

from zsl_cli.authoring.vocabularies.word_vectors import open_vectors
from zsl_cli.errors import FolderError, ZslError
from zsl_cli.support.progress import Reporter
from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.names.label import Label

FOUND = files.vectors()


def read(path, wanted=None, **options):
    limit = options.pop("limit", None)
    with open_vectors(Path(path), **options) as source:
        return [(word, np.array(vector)) for word, vector in source.read(wanted, limit=limit)]


def check_same(got, expected, atol=1e-7):
    assert [word for word, _ in got] == list(expected)
    for (_, vector), other in zip(got, expected.values(), strict=True):
        np.testing.assert_allclose(vector, other, atol=atol)


def put(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    return path


TEXT = files.text(FOUND)
BINARY = files.binary(FOUND)
FAST = files.fasttext(FOUND)
ZIPPED = zipped(files.text(FOUND))
SUBWORDS = files.fasttext(FOUND, buckets=4, rows=[[0.0] * 6] * 4)
LONG_PARTS = SUBWORDS[:48] + struct.pack("<i", 4004) + SUBWORDS[52:]


def notes(path):
    """What is to be said of a file that is read."""
    with open_vectors(path) as source:
        for _ in source.read():
            pass
        return list(source.notes())


@pytest.mark.parametrize(("data", "kind"), [
    (files.text(FOUND), "word2vec text"),
    (files.text(FOUND, header=False), "GloVe text"),
    (files.text(FOUND, blank="\t"), "word2vec text"),
    (files.text(FOUND, end=" \r\n"), "word2vec text"),
    (files.text(FOUND).rstrip(b"\n"), "word2vec text"),
    (b"\xef\xbb\xbf" + files.text(FOUND), "word2vec text"),
    (b"\xef\xbb\xbf" + files.text(FOUND, header=False), "GloVe text"),
    (files.binary(FOUND), "word2vec binary"),
    (files.binary(FOUND, newline=b"\n"), "word2vec binary"),
    (files.fasttext(FOUND), "fastText binary"),
    (files.fasttext(FOUND, labels=3), "fastText binary"),
])
def test_each_format_is_told_by_its_content_and_read(tmp_path, data, kind):
    path = put(tmp_path, "vectors", data)
    with open_vectors(path) as source:
        assert (source.format, source.dimension) == (kind, files.DIMENSION)
    check_same(read(path), FOUND, atol=1e-6)


@pytest.mark.parametrize("first", [b"\n\0\x80?", b"1\n\x80?", b"12\n?", b"1.5\n", b"   ?",
                                   b"\t \x80?"])
def test_binary_vectors_that_begin_like_text_are_no_text(tmp_path, first):
    rest = np.array([.25, -1], "<f4").tobytes()
    data = b"3 3\n" + b"".join(word + b" " + first + rest for word in (b"</s>", b"a", b"b"))
    with open_vectors(put(tmp_path, "vectors", data)) as source:
        assert source.format == "word2vec binary"
    assert [word for word, _ in read(tmp_path / "vectors")] == ["</s>", "a", "b"]


@pytest.mark.parametrize("first", ["the", "new york", "1 2"])
def test_text_is_told_by_its_first_line_however_long_that_is(tmp_path, first):
    found = files.vectors([first, "b"], 9000)  # more than is looked at
    with open_vectors(put(tmp_path, "vectors", files.text(found))) as source:
        assert source.format == "word2vec text"


@pytest.mark.parametrize("data", [files.text(FOUND), files.binary(FOUND), files.fasttext(FOUND)])
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_read_as_they_are(tmp_path, data, pack):
    check_same(read(put(tmp_path, "vectors.bin", pack(data))), FOUND, atol=1e-6)


def test_zip_archives_with_one_file_or_a_named_one(tmp_path):
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("a.txt", files.text(FOUND))
    check_same(read(tmp_path / "one.zip"), FOUND, atol=1e-6)
    with zipfile.ZipFile(tmp_path / "one.zip", "a") as archive:
        archive.writestr("b.txt", b"other")
    with pytest.raises(ZslError, match=r"holds 2 files; choose one with `member`: a\.txt, b\.txt"):
        read(tmp_path / "one.zip")
    with pytest.raises(ZslError, match=r"no 'c\.txt' in it"):
        read(tmp_path / "one.zip", member="c.txt")
    check_same(read(tmp_path / "one.zip", member="a.txt"), FOUND, atol=1e-6)


@pytest.mark.parametrize("data", [files.text(FOUND), files.binary(FOUND), files.fasttext(FOUND)])
def test_the_first_words_alone(tmp_path, data):
    got = read(put(tmp_path, "vectors", data), limit=3)
    assert [word for word, _ in got] == files.WORDS[:3]


def test_only_wanted_words_and_the_head_are_given(tmp_path):
    many = files.vectors([f"w{i}" for i in range(600)])
    for data in (files.text(many), files.binary(many), files.fasttext(many)):
        got = read(put(tmp_path, "vectors", data), wanted={"w500", "nothing"})
        assert [word for word, _ in got] == [*list(many)[:256], "w500"]
        np.testing.assert_allclose(got[-1][1], many["w500"], atol=1e-6)


def test_glove_words_may_have_blanks_in_them(tmp_path):
    found = {"the": FOUND["the"], ". . .": FOUND["red"], "at name@domain.com": FOUND["crane"]}
    check_same(read(put(tmp_path, "v", files.text(found, header=False))), found, atol=1e-6)


def test_words_in_another_encoding(tmp_path):
    path = put(tmp_path, "v", files.text(FOUND).decode().encode("latin-1"))
    check_same(read(path, encoding="latin-1"), FOUND, atol=1e-6)
    check_same(read(path), {word: vector for word, vector in FOUND.items() if word.isascii()},
               atol=1e-6)
    path.write_bytes(files.text(files.vectors(["é", "à", "a"])).decode().encode("latin-1"))
    with pytest.raises(ZslError, match=r"v: most of its words, such as '\ufffd', are not utf-8"):
        notes(path)


@pytest.mark.parametrize("make", [files.text, files.binary, files.fasttext])
def test_words_that_are_no_text_are_left_out_and_said(tmp_path, make):
    cut = files.vectors([*files.WORDS, "zażółx"])
    path = put(tmp_path, "v", make(cut).replace("zażółx".encode(), "zażół".encode()[:-1] + b"\xc5"))
    check_same(read(path), FOUND, atol=1e-6)
    assert [note.partition(" left out")[0] for note in notes(path)] == ["1 word of the vectors"]


@pytest.mark.parametrize("header", [True, False])
def test_words_may_have_blanks_and_numbers_in_them(tmp_path, header):
    found = files.vectors(["boeing 747", "cat", "1 2", ". . .", "7", "lion"])
    check_same(read(put(tmp_path, "v", files.text(found, header=header))), found, atol=1e-6)


def test_blank_lines_anywhere_and_a_tab_in_the_header_do_no_harm(tmp_path):
    data = TEXT.replace(b"\nred ", b"\n \n\r\nred ").replace(b"11 6\n", b"11\t6\r\n") + b"\n"
    check_same(read(put(tmp_path, "v", data)), FOUND, atol=1e-6)
    assert notes(tmp_path / "v") == []


@pytest.mark.parametrize("count", [4, 12])
def test_a_text_whose_header_counts_wrong_is_read_and_that_is_said(tmp_path, count):
    path = put(tmp_path, "v.txt", TEXT.replace(b"11 6", b"%d 6" % count))
    check_same(read(path), FOUND, atol=1e-6)
    assert notes(path) == [f"the header of v.txt speaks of {count} words, and there are 11; is "
                           "the file whole?"]


def test_fasttext_before_it_had_a_mark(tmp_path):
    path = put(tmp_path, "v.bin", files.fasttext(FOUND, version=None))
    check_same(read(path), FOUND, atol=1e-6)
    with open_vectors(path) as source:
        assert source.format == "fastText binary"


def test_supervised_fasttext_of_version_11_has_no_parts_of_words(tmp_path):
    rows = np.ones((3, files.DIMENSION), np.float32)
    for version, subwords in ((11, False), (12, True)):
        path = put(tmp_path, "v.bin", files.fasttext(FOUND, version=version, buckets=3, rows=rows,
                                                     model=3))
        with open_vectors(path) as source:
            assert source.subwords == subwords


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), min_size=1,
                max_size=8, unique=True), st.booleans(), st.sampled_from([" ", "\t", "  "]),
       st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_every_word_of_a_text_has_its_own_vector(tmp_path_factory, words, header, blank, end):
    found = files.vectors(words)
    path = put(tmp_path_factory.mktemp("v"), "v", files.text(found, header, blank=blank, end=end))
    got = dict(read(path))
    assert list(got) == words
    for word, vector in got.items():
        np.testing.assert_allclose(vector, found[word], atol=1e-6)


def test_blank_lines_behind_the_words_are_no_words(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_bytes(files.text(FOUND) + b"\n \n")
    check_same(read(path), FOUND, atol=1e-6)


@pytest.mark.parametrize(("data", "message"), [
    (b"", "the file is empty"),
    (b"This is prose, and no vectors at all.\nReally.\n", "line 1: not a word and its vector"),
    (b"id\tname\n", r"this is no file of word vectors: 'id\\tname'$"),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a binary file of no kind that zsl reads"),
    (TEXT.decode().encode("utf-16"), r"UTF-16 text; convert the file first"),
    (BINARY.replace(b"11 6", b"11 5"), r"wrong header: it speaks of 11 words of dimension 5"),
    (b"PK\x03\x04" + TEXT, "truncated or damaged: File is not a zip file"),
    (TEXT[:-40], r"line 12: 3 numbers, and 6 are expected"),
    (TEXT.replace(b"11 6", b"11 7"), r"line 2: 6 numbers, and 7 are expected"),
    (TEXT.replace(b"11 6", b"11 5"), r"line 2: 6 numbers, and more than the 5 numbers"),
    (TEXT.replace(b"\ntiger 1.", b"\ntiger x."), r"line 3: 'x\.\d+' is not a number"),
    (TEXT.replace(b"11 6", b"11 999999"), r"line 1: vectors of dimension 999999\?"),
    (BINARY[:-40], "header speaks of 11 words, and it ends in word 1[01]"),
    (BINARY.replace(b"11 6", b"4 6"), "wrong header: .* more bytes follow"),
    (BINARY.replace(b"11 6", b"99 6"), "header speaks of 99 words, and it ends in word 12"),
    (FAST[:-60], "truncated: it ends before its matrix does"),
    (FAST[:100], "truncated: it ends before its matrix does"),
    (FAST[:30], "truncated: it ends before its matrix does"),
    (files.fasttext({"w" * 5000: FOUND["the"]}), "a word of more than 4,096 bytes"),
    (LONG_PARTS, "damaged: parts of words of 3 to 4004 characters"),
    (files.fasttext(FOUND, quantised=True), r"a quantised fastText model \(\.ftz\)"),
    (files.fasttext(FOUND, version=10), "version 10 of fastText's format"),
    (gzip.compress(TEXT)[:-30], "truncated or damaged"),
    (ZIPPED.replace(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xff"),
     "truncated or damaged: zip file version 25.5"),
    (lzma.compress(TEXT)[:-30], "truncated or damaged"),
    (b"\x28\xb5\x2f\xfd" + bytes(50), "compressed with zstd, which zsl does not read"),
    (b"a " * 5_000_000, "a line of more than .* bytes"),
])
def test_damaged_files_are_told_apart(tmp_path, data, message):
    path = put(tmp_path, "vectors", data)
    with pytest.raises(ZslError, match=rf"vectors.*{message}"):
        read(path)


def test_a_wrong_dimension_in_a_binary_header(tmp_path):
    many = files.vectors([f"w{i}" for i in range(400)], 300)
    path = put(tmp_path, "v", files.binary(many).replace(b"400 300", b"400 200", 1))
    with pytest.raises(ZslError, match=r"word \d+: .*(no word of at most|are not utf-8)|truncated"):
        read(path)


def test_what_can_be_read_but_once_is_to_be_saved_first(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for source in (tmp_path / "pipe", "-"):
        with pytest.raises(ZslError, match=r"(pipe|-): .*; save (it|them) to a file first"):
            read(source)


def test_nothing_of_that_name(tmp_path):
    with pytest.raises(ZslError, match="no such file or vocabulary"):
        read(tmp_path / "nothing.txt")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([TEXT, BINARY, FAST]), st.integers(0, 400))
def test_whatever_bytes_there_are_it_is_read_or_refused(tmp_path_factory, noise, data, at):
    path = put(tmp_path_factory.mktemp("v"), "v", data[:at] + noise + data[at + len(noise):])
    try:
        for word, vector in read(path):
            assert isinstance(word, str)
            assert vector.dtype == np.float32
    except ZslError as error:
        assert str(path) in str(error)


@pytest.fixture(scope="module")
def trained():
    """gensim's fastText, trained on a little text."""
    gensim = pytest.importorskip("gensim")
    random = np.random.default_rng(0)
    sentences = [[files.WORDS[i] for i in random.integers(0, 10, 12)] for _ in range(60)]
    return gensim.models.FastText(sentences, vector_size=12, min_count=1, epochs=1, workers=1,
                                  bucket=3000, min_n=3, max_n=5)


@pytest.fixture(scope="module")
def trained_bin(trained, tmp_path_factory):
    from gensim.models.fasttext import save_facebook_model

    path = tmp_path_factory.mktemp("fasttext") / "model.bin"
    save_facebook_model(trained, str(path))
    return path


def test_fasttext_agrees_with_gensim_on_words_and_on_parts_of_words(trained, trained_bin):
    from gensim.models.fasttext import load_facebook_vectors

    other = load_facebook_vectors(str(trained_bin))
    guess = {"teapots", "tiger", "grünkohl", "x"}
    with open_vectors(trained_bin, guess=guess) as source:
        assert source.subwords
        got = {word: np.array(vector) for word, vector in source.read()}
        assert source.guessed == guess - {"tiger"}
    assert set(got) == set(other.key_to_index) | guess
    for word, vector in got.items():
        if word != "</s>":
            np.testing.assert_allclose(vector, other[word], atol=1e-6)


@pytest.mark.parametrize("is_binary", [True, False])
def test_word2vec_agrees_with_gensim(trained, tmp_path, is_binary):
    from gensim.models import KeyedVectors

    path = tmp_path / "v"
    trained.wv.save_word2vec_format(str(path), binary=is_binary)
    other = KeyedVectors.load_word2vec_format(str(path), binary=is_binary)
    check_same(read(path), {word: other[word] for word in other.index_to_key})


class Seen(list, Reporter):
    """A reporter that remembers how much was done, and of how much."""

    total = 0

    def start(self, description, total=None, unit=""):
        self.total = total

    def advance(self, done, failed=0):
        self.append(done)


@pytest.mark.parametrize("make", [files.text, files.binary, files.fasttext])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_progress_is_told_whatever_is_wanted(tmp_path, make, pack):
    many = files.vectors([f"w{i}" for i in range(12_000)], 100)
    path = put(tmp_path, "v", pack(make(many)))
    seen = Seen()
    read(path, wanted={"w5", "w11999"}, reporter=seen)
    assert seen.total == path.stat().st_size // 1000
    assert len(seen) >= 2
    assert seen.total - 1100 <= sum(seen) <= seen.total


def test_an_error_of_what_is_done_with_a_vocabulary_stays_what_it_is(tmp_path):
    with (pytest.raises(FolderError, match=r"^of the body$"),
          open_vectors(a_vocabulary(tmp_path))):
        raise FolderError("of the body")


def a_vocabulary(folder):
    """A vocabulary whose folder has a point in its name."""
    (folder / "my.words").mkdir()
    writing.write(folder / "my.words", "words", "words", [Label("a", "a")],
                            np.ones((1, 2), np.float32))
    return folder / "my.words"
