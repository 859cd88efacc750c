"""Which kind of word vectors a file holds, by what is in it and not by its name."""

import codecs
import struct
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from zsl_cli.authoring.vocabularies.word_vectors import fasttext
from zsl_cli.authoring.vocabularies.word_vectors.base import WordVectors
from zsl_cli.authoring.vocabularies.word_vectors.binary import BinaryVectors
from zsl_cli.authoring.vocabularies.word_vectors.folder import FolderVectors
from zsl_cli.authoring.vocabularies.word_vectors.stream import Stream
from zsl_cli.authoring.vocabularies.word_vectors.text import HEADER, TextVectors, numbers_at_end
from zsl_cli.errors import FolderError, ZslError
from zsl_cli.support.progress import SILENT, Reporter
from zsl_cli.vocabulary.vocabulary import Vocabulary

_ENOUGH = 4
_HEAD = 1 << 16


@contextmanager
def open_vectors(source: Path, *, member: str | None = None, encoding: str = "utf-8",
                 guess: Collection[str] = (), reporter: Reporter = SILENT,
                 ) -> Iterator[WordVectors]:
    """The word vectors of a file, or of a vocabulary folder or its name.

    member: the file in a zip archive that holds several.
    encoding: of the words.
    guess: words of which a vector is to be made of their parts, where the vectors can do that and
        the words are not there; ``read`` gives them last.
    reporter: told how much of them is read.

    Raises ZslError for what is neither.
    """
    if str(source) == "-":
        raise ZslError("-: vectors are not read from standard input; save them to a file first")
    if not source.exists() or source.is_dir():
        reporter.start("reading vectors")
        yield FolderVectors(_vocabulary(source), reporter)
        return
    with Stream(source, member, reporter) as stream:
        yield _vectors(stream, encoding, guess)


def _vocabulary(source: Path) -> Vocabulary:
    try:
        return Vocabulary.load(source if source.is_dir() else str(source))
    except FolderError as error:
        if not source.exists() and (len(source.parts) > 1 or source.suffix):
            raise ZslError(f"{source}: no such file or vocabulary") from error
        raise


def _vectors(stream: Stream, encoding: str, guess: Collection[str]) -> WordVectors:
    head = stream.peek(_HEAD)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ZslError(f"{stream.path}: UTF-16 text; convert the file first (iconv -f utf-16 "
                       "-t utf-8)")
    if head.startswith(codecs.BOM_UTF8):
        stream.read(len(codecs.BOM_UTF8))
        head = stream.peek(_HEAD)
    if not head:
        raise ZslError(f"{stream.path}: the file is empty")
    if head[:4] == struct.pack("<i", fasttext.MAGIC) or fasttext.is_unmarked(head):
        return fasttext.FastTextVectors(stream, encoding, guess)
    header = HEADER.match(head)
    if header and not _is_text(head[header.end():], int(header[2])):
        return BinaryVectors(stream, encoding)
    if not header and b"\x00" in head:
        raise ZslError(f"{stream.path}: a binary file of no kind that zsl reads: word2vec's begins "
                       "with two numbers, fastText's .bin with its mark")
    return TextVectors(stream, encoding)


def _is_text(body: bytes, dimension: int) -> bool:
    """Whether what follows a header begins with a line that ends in numbers in letters. A few are
    enough, so that a header with a wrong dimension is told by what reads text; floats may well
    begin with a line's end or a digit and one."""
    line, end, _ = body.partition(b"\n")
    fields = line.split()
    if not end and fields and not numbers_at_end(fields):
        del fields[-1]  # which is cut
    return not body or numbers_at_end(fields) >= min(_ENOUGH, dimension)
