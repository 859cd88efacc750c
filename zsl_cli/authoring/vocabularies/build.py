"""Word vectors and a list of labels → a vocabulary folder.

DeViSE (Frome et al., 2013, section 3.1) names images by skip-gram vectors of unit length. A label
has the vector of its name if that is a word or a phrase of the collection, or else the mean of
the unit vectors of its name's words; a label of which that is not known, that of the first of its
synonyms for which it is.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli import __version__
from zsl_cli.authoring.vocabularies import label_lists
from zsl_cli.authoring.vocabularies.word_vectors import WordVectors, open_vectors
from zsl_cli.authoring.vocabularies.word_vectors.base import HEAD
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.manifests import VocabularyManifest
from zsl_cli.support.progress import SILENT, Progress
from zsl_cli.support.wording import counted, some
from zsl_cli.vocabulary import composition
from zsl_cli.vocabulary.vocabulary import Label
from zsl_cli.vocabulary.writing import Writer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.floating]

PHRASES = ("auto", "token", "mean")
OOV = ("skip", "error", "subword")
DTYPES = ("float32", "float16")

_CHUNK = 1024
_WORST = 8
_MARKS = {"<s>", "</s>", "<unk>", "<pad>"}  # of beginnings, ends and what has no vector


@dataclass(frozen=True)
class Request:
    """What to build.

    vectors: a file of word vectors, or a vocabulary folder or its name.
    labels: see label_lists.read; None makes every word a label.
    limit: only the first so many words of the vectors are known.
    phrases: labels of several words have a vector of their own if there is one, or else the mean
        of their words' (``auto``), only the one, or only the other.
    merge: of labels with the same vector only the first stays.
    oov: a label of which no vector can be made is left out, or an error, or (fastText) has that
        of its character n-grams.
    dtype: of the label vectors.
    space: the identity of the vectors' space; None for one made of the vectors themselves.

    Raises ValueError unless ``phrases``, ``oov`` and ``dtype`` are of PHRASES, OOV and DTYPES.
    """

    name: str
    vectors: Path
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

    def __post_init__(self) -> None:
        for name, choices in (("phrases", PHRASES), ("oov", OOV), ("dtype", DTYPES)):
            if (value := getattr(self, name)) not in choices:
                raise ValueError(f"{name} {value!r} is none of {', '.join(choices)}")


@dataclass
class Report:
    """What became of the words and labels, counted; ``notes`` says it in lines.

    labels: of the list, or every word.
    own, mean, subword: of the labels that are written, by how their vectors are made.
    synonym: of these, those with the vector of a synonym.
    left_out: for words that are unknown.
    without_phrase: left out, too, for a phrase that is unknown, though its words are not.
    """

    labels: int = 0
    own: int = 0
    mean: int = 0
    synonym: int = 0
    subword: int = 0
    left_out: list[str] = field(default_factory=list)
    unknown_words: Counter[str] = field(default_factory=Counter)
    twice: int = 0
    without_direction: list[str] = field(default_factory=list)
    without_phrase: list[str] = field(default_factory=list)
    same_vector: int = 0

    def count(self, made: "_Made") -> None:
        """A label that is written, and how its vector is made."""
        self.own += made.how == "own"
        self.mean += made.how == "mean"
        self.subword += made.how == "subword"
        self.synonym += made.synonym

    def notes(self, merge: bool) -> Iterator[str]:
        """What a user should know, most important first."""
        if self.left_out:
            worst = ", ".join(f"{word!r} ({count:,})" for word, count
                              in self.unknown_words.most_common(_WORST))
            yield (f"{len(self.left_out):,} of {counted(self.labels, 'label')} left out, since "
                   f"words of theirs are unknown: {some(self.left_out)}"
                   + (f"; the words that cost most: {worst}" if worst else ""))
        if self.without_phrase:
            yield (f"{len(self.without_phrase):,} of {counted(self.labels, 'label')} left out, "
                   "without a phrase of their own (`phrases=auto` takes the mean of the words): "
                   f"{some(self.without_phrase)}")
        if self.without_direction:
            yield f"left out, with a vector of zeros or NaN: {some(self.without_direction)}"
        if self.twice:
            yield (f"{counted(self.twice, 'word')} repeated in the vectors; the first of each "
                   "counts")
        if self.same_vector:
            yield (f"{counted(self.same_vector, 'label')} with the vector of an earlier one, so "
                   "that no image tells them apart" + (": left out" if merge else
                                                       "; `merge` keeps only the first"))

    def to_dict(self) -> dict[str, int]:
        """The counts, for the manifest."""
        return {name: len(value) if isinstance(value, list) else value
                for name, value in vars(self).items() if name != "unknown_words"}


@dataclass(frozen=True, slots=True)  # there is one a label
class _Made:
    """How a label's vector is made: of which tokens it is the mean, ``own``, ``mean`` or
    ``subword``, and whether they are those of a synonym."""

    tokens: tuple[str, ...]
    how: str
    synonym: bool = False


def build(request: Request, target: Path, *, force: bool = False,
          progress: Progress = SILENT) -> tuple[VocabularyManifest, Report]:
    """Write the vocabulary folder; returns its manifest and what became of the labels.

    Raises ZslError, and leaves nothing behind.
    """
    folders.check_target(target, force=force)
    progress.start("reading labels")
    labels = None if request.labels is None else label_lists.read(
        request.labels, request.places, persons=request.persons, say=progress.say)
    guess = ({word for label in labels for word in composition.words(label.name)}
             if labels is not None and request.oov == "subword" else ())
    with (open_vectors(request.vectors, member=request.member, encoding=request.encoding,
                       guess=guess, progress=progress) as vectors,
          folders.new_folder(target, force=force) as folder,
          Writer(folder, vectors.dimension, request.dtype) as writer):
        if request.oov == "subword" and not vectors.subwords:
            raise ZslError(f"{request.vectors}: {vectors.format} has no vectors of parts of words; "
                           "`oov=subword` is for fastText's .bin")
        report = Report()
        words = _Words(vectors, request, report)
        if labels is None:
            _write_words(words, writer, request, report)
        else:
            _write_labels(labels, words, writer, request, report, progress)
        if not writer.count:
            raise ZslError(_nothing(request, labels, report))
        for note in report.notes(request.merge):
            progress.say(note)
        made_from = {"file": request.vectors.name, "format": vectors.format}
        if labels is not None:
            made_from |= {"phrases": request.phrases, "oov": request.oov}
        manifest = writer.finish(
            request.name, request.space or vectors.space or words.space(), request.hnsw,
            vectors=made_from, built=report.to_dict(), sources=list(request.sources),
            built_by=f"zsl {__version__}")
    return manifest, report


class _Words:
    """The words of a collection as unit vectors, each once, its head noted on the way."""

    def __init__(self, vectors: WordVectors, request: Request, report: Report) -> None:
        self.vectors, self._request, self._report = vectors, request, report
        self._head = hashlib.sha256()

    def read(self, wanted: "_Store | None" = None) -> "Iterator[tuple[str, Vector]]":
        """Words and their unit vectors; of all words, each the first time that it comes, or of
        those wanted, unless they are there already."""
        every = set[str]()
        seen = every if wanted is None else wanted.keys()
        limit = most = self._request.limit
        if limit is not None and self.vectors.space is None:
            most = max(limit, HEAD)  # which names the space, however few words are to be known
        for count, (word, vector) in enumerate(self.vectors.read(wanted, limit=most), start=1):
            if count <= HEAD and word not in self.vectors.guessed:
                self._head.update(word.encode("utf-8", "surrogatepass") + b" " + vector.tobytes())
            if (wanted is not None and word not in wanted) or word in _MARKS or (
                    limit is not None and limit != most and limit < count
                    and word not in self.vectors.guessed):
                continue
            if word in seen:
                self._report.twice += 1
                continue
            if wanted is None:
                every.add(word)
            precise = vector.astype(np.float64)  # in which no square is too large
            length = float(np.linalg.norm(precise))
            if not 0 < length < np.inf:
                self._report.without_direction.append(word)
                continue
            yield word, (precise / length).astype(np.float32)

    def space(self) -> str:
        """A name that vectors of the same collection share and others don't."""
        return f"words-{self.vectors.dimension}d-{self._head.hexdigest()[:12]}"


class _Known(set[int]):
    """The digests of vectors."""

    def has(self, vector: "Vector") -> bool:
        """Whether an earlier vector was the same; from now on this one is known, too."""
        digest = hash(vector.tobytes())
        again = digest in self
        self.add(digest)
        return again


def _write_words(words: _Words, writer: Writer, request: Request, report: Report) -> None:
    """Every word is a label."""
    known = _Known()

    def kept() -> "Iterator[tuple[Label, Vector]]":
        for word, vector in words.read():
            again = known.has(vector)
            report.same_vector += again
            if (name := _spoken(word)) and not (again and request.merge):
                report.labels += 1
                report.own += 1
                yield Label(word, name), vector

    _write(kept(), writer)


def _write(found: "Iterator[tuple[Label, Vector]]", writer: Writer,
           progress: Progress = SILENT) -> None:
    while chunk := list(islice(found, _CHUNK)):
        writer.add([label for label, _ in chunk], np.array([vector for _, vector in chunk]))
        progress.advance(len(chunk))


def _spoken(word: str) -> str:
    """A token as a person reads it; its id stays what it is."""
    return " ".join(word.replace("_", " ").split())


def _write_labels(labels: Sequence[Label], words: _Words, writer: Writer, request: Request,
                  report: Report, progress: Progress) -> None:
    """The labels of which a vector can be made are labels."""
    store = _Store(words.vectors.dimension, (
        part for label in labels for name in _names(label) for part in composition.parts(name)))
    for word, vector in words.read(store):
        store.add(word, vector, guessed=word in words.vectors.guessed)
    store.complete()
    report.labels = len(labels)
    known = store.keys() - words.vectors.guessed if words.vectors.guessed else store.keys()
    made: list[_Made | None] = []
    same = _Known()
    progress.start("making label vectors", len(labels), "labels")
    for label in labels:
        found = _made(label, known, store.keys(), request)
        if found is None:
            missing = composition.as_words(label.name, known).missing
            (report.left_out if missing else report.without_phrase).append(label.name)
            report.unknown_words.update(missing)
        else:
            vector = store.mean(found.tokens)
            again = same.has(vector)
            report.same_vector += again
            if not vector.any():
                report.without_direction.append(label.name)
            if not vector.any() or (again and request.merge):
                found = None
            else:
                report.count(found)
        made.append(found)
        progress.advance(1)
    if report.left_out and request.oov == "error":
        raise ZslError(f"{len(report.left_out):,} of {counted(len(labels), 'label')} with words "
                       f"that {request.vectors.name} does not know: {some(report.left_out)}; "
                       "`oov=skip` leaves them out")
    if report.without_phrase and request.oov == "error":
        raise ZslError(f"{len(report.without_phrase):,} of {counted(len(labels), 'label')} without "
                       f"a phrase of their own in {request.vectors.name}: "
                       f"{some(report.without_phrase)}; `phrases=auto` takes the mean of the "
                       "words, `oov=skip` leaves them out")
    kept = zip(label_lists.relinked(labels, [found is not None for found in made]),
               filter(None, made), strict=True)
    progress.start("writing", report.own + report.mean + report.subword, "labels")
    _write(((label, store.mean(found.tokens)) for label, found in kept), writer, progress)


def _names(label: Label) -> tuple[str, ...]:
    return (label.name, *label.synonyms)


def _made(label: Label, known: Collection[str], guessed: Collection[str],
          request: Request) -> "_Made | None":
    """How a label's vector is made; None where too few of its words are known.

    guessed: the known tokens, and those with vectors of their n-grams.
    """
    for place, name in enumerate(_names(label)):
        own = composition.as_token(name, known) if request.phrases != "mean" or (
            len(composition.words(name)) < 2) else None
        parts = composition.as_words(name, known) if request.phrases != "token" else None
        if own or (parts and not parts.missing):
            return (_Made((own,), "own", place > 0) if own
                    else _Made(parts.tokens if parts else (), "mean", place > 0))
    if request.oov == "subword":
        parts = composition.as_words(label.name, guessed)
        if not parts.missing:
            return _Made(parts.tokens, "subword")
    return None


class _Store:
    """Unit vectors of the best spellings of phrases, in blocks, so that nothing is copied as they
    become more."""

    def __init__(self, dimension: int, phrases: Iterable[str]) -> None:
        self._phrases: dict[str, tuple[str, ...]] = {}
        for phrase in phrases:
            key = composition.shared_key(phrase)
            if phrase not in (alike := self._phrases.get(key, ())):
                self._phrases[key] = (*alike, phrase)
        self._free: list[int] = []
        self._rows: dict[str, int] = {}
        self._blocks: list[NDArray[np.float32]] = []
        self._dimension = dimension

    def __contains__(self, word: object) -> bool:
        """Whether it may be a spelling of a phrase."""
        return isinstance(word, str) and composition.shared_key(word) in self._phrases

    def add(self, token: str, vector: "Vector", *, guessed: bool = False) -> None:
        """Keep a copy of the vector if the token is the best spelling of a phrase up to now; a
        guessed one is only where there is no other."""
        held = {phrase: composition.as_one(phrase, self._rows)
                for phrase in self._phrases.get(composition.shared_key(token), ())}
        best = {old if guessed and old else composition.as_one(phrase, {old or token, token})
                for phrase, old in held.items()}
        if token not in best:
            return
        self._free += [self._rows.pop(old) for old in set(held.values()) - best if old]
        row = self._free.pop() if self._free else len(self._rows)
        if row == _CHUNK * len(self._blocks):
            self._blocks.append(np.empty((_CHUNK, self._dimension), np.float32))
        self._blocks[row // _CHUNK][row % _CHUNK] = vector
        self._rows[token] = row

    def complete(self) -> None:
        """Nothing more comes, so what was looked for can be forgotten."""
        self._phrases.clear()

    def keys(self) -> KeysView[str]:
        """The tokens."""
        return self._rows.keys()

    def mean(self, tokens: Sequence[str]) -> "NDArray[np.float32]":
        """The unit mean, ``[D]``, of the tokens' vectors (see composition.mean)."""
        rows = [self._rows[token] for token in tokens]
        return composition.mean(np.array(
            [self._blocks[row // _CHUNK][row % _CHUNK] for row in rows]))


def _nothing(request: Request, labels: Sequence[Label] | None, report: Report) -> str:
    if labels is None:
        return f"{request.vectors}: no word in it has a vector that can be used"
    if report.without_phrase and not report.left_out:
        return (f"{request.vectors.name} knows no phrase of the {counted(len(labels), 'label')} of "
                f"{request.labels}: {some(report.without_phrase)}; `phrases=auto` takes the mean "
                "of the words")
    return (f"{request.vectors.name} knows no word of the {counted(len(labels), 'label')} "
            f"of {request.labels}: {some([label.name for label in labels])}; are list and "
            "vectors of one language?")
