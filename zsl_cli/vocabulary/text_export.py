"""A vocabulary into a file of text (see as_text), for other programs."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal

from zsl_cli.errors import RequestError
from zsl_cli.support.files import cannot_write, check_new_file, parents, replacing
from zsl_cli.support.progress import SILENT, Reporter
from zsl_cli.support.values import check_choice
from zsl_cli.vocabulary import as_text

if TYPE_CHECKING:
    from zsl_cli.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class Request:
    """A table (``tsv``), with each label's vector if ``vectors``, or word2vec's text format.

    Raises RequestError for another format, and for vectors where the format has them anyway.
    """

    output_format: Literal["tsv", "word2vec"]
    vectors: bool = False

    def __post_init__(self) -> None:
        check_choice("output_format", self.output_format, ("tsv", "word2vec"))
        if self.vectors and self.output_format == "word2vec":
            raise RequestError("`vectors` is for `output_format=tsv`; word2vec's format is vectors")


def write(vocabulary: "Vocabulary", request: Request, file: BinaryIO,
          reporter: Reporter = SILENT) -> int:
    """Write to a file that is open; returns how many labels stand under their id in word2vec's
    format, since another label has their name."""
    ids = 0
    if request.output_format == "tsv":
        lines = as_text.tsv(vocabulary, vectors=request.vectors)
    else:
        words, ids = as_text.words(vocabulary)
        lines = as_text.word2vec(vocabulary, words)
    reporter.start("writing", len(vocabulary), "labels")
    for line in lines:
        file.write(line)
        reporter.advance(1)
    return ids


def save(vocabulary: "Vocabulary", request: Request, path: str | os.PathLike[str], *,
         force: bool = False, reporter: Reporter = SILENT) -> int:
    """As ``write``, to a new file, its folders made if need be. Raises ZslError, and leaves
    nothing behind."""
    check_new_file(path, force=force, makes_folders=True)
    try:
        with parents(path), replacing(path) as file:
            return write(vocabulary, request, file, reporter)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from error
