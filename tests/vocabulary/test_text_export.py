"""A vocabulary into a file of text."""

import io

import pytest

from zsl_cli import Vocabulary
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.vocabulary import as_text, text_export


def test_a_file_holds_what_is_written_and_replaces_none_unasked(royal, tmp_path):
    vocabulary = Vocabulary.load(royal)
    file = io.BytesIO()
    text_export.write(vocabulary, text_export.Request("tsv"), file)
    assert file.getvalue() == b"".join(as_text.tsv(vocabulary))
    path = tmp_path / "new" / "labels.tsv"
    text_export.save(vocabulary, text_export.Request("tsv"), path)
    assert path.read_bytes() == file.getvalue()
    words = text_export.Request("word2vec")
    with pytest.raises(ZslError, match="give `force` to replace it"):
        text_export.save(vocabulary, words, path)
    ids = text_export.save(vocabulary, words, path, force=True)
    assert ids == as_text.words(vocabulary)[1]
    assert path.read_bytes() == b"".join(as_text.word2vec(vocabulary, as_text.words(vocabulary)[0]))


def test_word2vecs_format_is_vectors_anyway():
    with pytest.raises(RequestError, match="`vectors` is for `output_format=tsv`"):
        text_export.Request("word2vec", vectors=True)


def test_another_format_is_refused():
    with pytest.raises(RequestError, match="`output_format` is one of tsv, word2vec, and not"):
        text_export.Request("glove")
