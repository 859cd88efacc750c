"""Word vectors and a list of labels → a vocabulary folder.

DeViSE (Frome et al., 2013, section 3.1) names images by skip-gram vectors of unit length. A label
has the vector of its name if that is a word or a phrase of the collection, or else the mean of
the unit vectors of its name's words; a label of which that is not known, that of the first of its
synonyms for which it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies import label_lists
from zsl_cli.authoring.vocabularies.composed import Composed, compose, names
from zsl_cli.authoring.vocabularies.report import Report
from zsl_cli.authoring.vocabularies.token_vectors import Seen, Store, Words
from zsl_cli.authoring.vocabularies.word_vectors import open_vectors
from zsl_cli.errors import ZslError
from zsl_cli.support import folders, sources
from zsl_cli.support.manifests import VocabularyManifest
from zsl_cli.support.names import set_paths, set_texts
from zsl_cli.support.progress import SILENT, Reporter
from zsl_cli.support.values import COUNT, check_choice, check_hnsw, check_kind, set_numbers
from zsl_cli.support.version import __version__
from zsl_cli.support.wording import counted, some
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.words import composition
from zsl_cli.vocabulary.writing import Writer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.floating]

PHRASES = ("auto", "token", "mean")
OOV = ("skip", "error", "subword")
DTYPES = ("float32", "float16")

_CHUNK = 1024


@dataclass(frozen=True)
class BuildRequest:
    """What to build. A path may be a text, too.

    vectors: a file of word vectors, or a vocabulary folder or its name.
    output: the vocabulary folder to write.
    labels: see label_lists.read; None makes every word a label.
    places: where WordNet and ImageNet's class lists are. persons: see label_lists.read.
    limit: only the first so many words of the vectors are known.
    phrases: labels of several words have a vector of their own if there is one, or else the mean
        of their words' (``auto``), only the one, or only the other.
    merge: of labels with the same vector only the first stays.
    oov: a label of which no vector can be made is left out, or an error, or (fastText) has that
        of its character n-grams.
    dtype: of the label vectors.
    member: the file in a zip archive that holds several. encoding: of the words.
    space: the identity of the vectors' space; None for one made of the vectors themselves.
    hnsw: parameters of the index that differ from what suits so many labels.
    sources: dictionaries with ``name``, ``license`` and ``url``, for the manifest.
    name: the vocabulary's; by default that of the folder.
    force: whether an existing folder may be replaced.

    Raises RequestError for what makes no sense; ``phrases``, ``oov`` and ``dtype`` are of PHRASES,
    OOV and DTYPES.
    """

    vectors: Path
    output: Path
    labels: str | None = None
    places: label_lists.Places = field(default_factory=label_lists.Places)
    persons: bool = False
    limit: int | None = None
    phrases: str = "auto"
    oov: str = "skip"
    merge: bool = False
    dtype: str = "float32"
    member: str | None = None
    encoding: str = "utf-8"
    space: str | None = None
    hnsw: Mapping[str, int] = field(default_factory=dict)
    sources: tuple[dict[str, str], ...] = ()
    name: str | None = None
    force: bool = False

    def __post_init__(self) -> None:
        set_paths(self, "vectors", "output")
        set_texts(self, "labels")
        for name, choices in (("phrases", PHRASES), ("oov", OOV), ("dtype", DTYPES)):
            check_choice(name, getattr(self, name), choices)
        set_numbers(self, limit=COUNT)
        check_kind("places", self.places, label_lists.Places)
        object.__setattr__(self, "hnsw", check_hnsw(self.hnsw))
        object.__setattr__(self, "sources", sources.check(self.sources))


@dataclass(frozen=True)
class BuildResult:
    """The vocabulary folder, its manifest, and what became of words and labels."""

    folder: Path
    manifest: VocabularyManifest
    report: Report


def build_vocabulary(request: BuildRequest, reporter: Reporter = SILENT) -> BuildResult:
    """Write the vocabulary folder. Raises ZslError, and leaves nothing behind."""
    folders.check_target(request.output, force=request.force, reads=(
        request.vectors, request.labels, request.places.wordnet, request.places.class_lists))
    reporter.start("reading labels")
    labels = None if request.labels is None else label_lists.read(
        request.labels, request.places, persons=request.persons, reporter=reporter)
    guess = ({word for label in labels for word in composition.words(label.name)}
             if labels is not None and request.oov == "subword" else ())
    with (open_vectors(request.vectors, member=request.member, encoding=request.encoding,
                       guess=guess, reporter=reporter) as vectors,
          folders.new_folder(request.output, force=request.force) as folder,
          Writer(folder, vectors.dimension, request.dtype) as writer):
        if request.oov == "subword" and not vectors.subwords:
            raise ZslError(f"{request.vectors}: {vectors.format} has no vectors of parts of words; "
                           "`oov=subword` is for fastText's .bin")
        report = Report()
        words = Words(vectors, request.limit, report)
        if labels is None:
            _write_words(words, writer, request, report)
        else:
            _write_labels(labels, words, writer, request, report, reporter)
        of_vectors = list(vectors.notes())
        if not writer.count:
            raise ZslError(_nothing(request, labels, report))
        for note in (*of_vectors, *report.notes(request.merge)):
            reporter.say(note)
        made_from = {"file": request.vectors.name, "format": vectors.format}
        if labels is not None:
            made_from |= {"phrases": request.phrases, "oov": request.oov}
        manifest = writer.finish(
            request.name or folders.name_of(request.output),
            request.space or vectors.space or words.space(), request.hnsw, vectors=made_from,
            built=report.to_dict(), sources=list(request.sources), built_by=f"zsl {__version__}")
    return BuildResult(request.output, manifest, report)


def _write_words(words: Words, writer: Writer, request: BuildRequest, report: Report) -> None:
    """Every word is a label."""
    seen = Seen()

    def kept() -> "Iterator[tuple[Label, Vector]]":
        for word, vector in words.read():
            again = seen.has(vector)
            report.same_vector += again
            if (name := _spoken(word)) and not (again and request.merge):
                report.labels += 1
                report.own += 1
                yield Label(word, name), vector

    _write(kept(), writer)


def _write(labels: "Iterator[tuple[Label, Vector]]", writer: Writer,
           reporter: Reporter = SILENT) -> None:
    while chunk := list(islice(labels, _CHUNK)):
        writer.add([label for label, _ in chunk], np.array([vector for _, vector in chunk]))
        reporter.advance(len(chunk))


def _spoken(word: str) -> str:
    """A token as a person reads it; its id stays what it is."""
    return " ".join(word.replace("_", " ").split())


def _write_labels(labels: Sequence[Label], words: Words, writer: Writer, request: BuildRequest,
                  report: Report, reporter: Reporter) -> None:
    """The labels of which a vector can be made are labels."""
    store = Store(words.vectors.dimension, (
        part for label in labels for name in names(label) for part in composition.parts(name)))
    for word, vector in words.read(store):
        store.add(word, vector, guessed=word in words.vectors.guessed)
    store.complete()
    report.labels = len(labels)
    known = store.keys() - words.vectors.guessed if words.vectors.guessed else store.keys()
    composed: list[Composed | None] = []
    seen = Seen()
    reporter.start("making label vectors", len(labels), "labels")
    for label in labels:
        how = compose(label, known, store.keys(), phrases=request.phrases,
                      subwords=request.oov == "subword")
        if how is None:
            missing = composition.as_words(label.name, known).missing
            (report.left_out if missing else report.without_phrase).append(label.name)
            report.unknown_words.update(missing)
        else:
            vector = store.mean(how.tokens)
            again = seen.has(vector)
            report.same_vector += again
            if not vector.any():
                report.without_direction.append(label.name)
            if not vector.any() or (again and request.merge):
                how = None
            else:
                report.count(label.name, how)
        composed.append(how)
        reporter.advance(1)
    if report.left_out and request.oov == "error":
        raise ZslError(f"{len(report.left_out):,} of {counted(len(labels), 'label')} with words "
                       f"that {request.vectors.name} does not know: {some(report.left_out)}; "
                       "`oov=skip` leaves them out")
    if report.without_phrase and request.oov == "error":
        raise ZslError(f"{len(report.without_phrase):,} of {counted(len(labels), 'label')} without "
                       f"a phrase of their own in {request.vectors.name}: "
                       f"{some(report.without_phrase)}; `phrases=auto` takes the mean of the "
                       "words, `oov=skip` leaves them out")
    kept = zip(label_lists.relinked(labels, [how is not None for how in composed]),
               filter(None, composed), strict=True)
    reporter.start("writing", report.own + report.mean + report.subword, "labels")
    _write(((label, store.mean(how.tokens)) for label, how in kept), writer, reporter)


def _nothing(request: BuildRequest, labels: Sequence[Label] | None, report: Report) -> str:
    if labels is None:
        return f"{request.vectors}: no word in it has a vector that can be used"
    if report.without_phrase and not report.left_out:
        return (f"{request.vectors.name} knows no phrase of the {counted(len(labels), 'label')} of "
                f"{request.labels}: {some(report.without_phrase)}; `phrases=auto` takes the mean "
                "of the words")
    return (f"{request.vectors.name} knows no word of the {counted(len(labels), 'label')} "
            f"of {request.labels}: {some([label.name for label in labels])}; are list and "
            "vectors of one language?")
